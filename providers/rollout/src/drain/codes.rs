//! The kinds of problems that a drain reports.

use diags::Code;

/// A node that is not ready when it is to be changed.
pub const DOWN: Code = Code("E0871");
/// A node that was not ready before it was changed, and is not afterwards.
pub const STILL_DOWN: Code = Code("E0872");
/// Nothing answers names in the cluster.
pub const NO_DNS: Code = Code("E0873");
/// A pod that nothing would create again.
pub const BARE: Code = Code("E0880");
/// Data in an `emptyDir` volume would be lost.
pub const EMPTY_DIR: Code = Code("E0881");
/// A disruption budget leaves no room.
pub const BLOCKED: Code = Code("E0882");
/// Budgets with which the server cannot evict at all.
pub const NO_EVICTION: Code = Code("E0883");
/// A pod has no other node to go to.
pub const STRANDED: Code = Code("E0884");
/// An application stands still while its pods move.
pub const OUTAGE: Code = Code("E0885");
/// What was read or answered is not what the API promises.
pub const STRANGE: Code = Code("E0886");
/// Pods did not leave in time.
pub const NOT_IN_TIME: Code = Code("E0887");
/// Something that a forecast needs could not be looked at.
pub const UNSEEN: Code = Code("E0888");
/// A node that cannot be taken out of service, or not be brought back.
pub const CORDON: Code = Code("E0889");
/// Nobody would confirm that a pod has ended.
pub const UNCONFIRMED: Code = Code("E0890");
/// A node that did not come back.
pub const NEVER_READY: Code = Code("E0891");

/// As many nodes as may be are out of service already.
pub const FULL: Code = Code("E0892");
/// A person wanted the drain to end.
pub const INTERRUPTED: Code = Code("E0893");
/// Too few members of etcd would be left.
pub const QUORUM: Code = Code("E0894");

/// All of them.
pub(crate) const ALL: [Code; 18] = [
    DOWN,
    STILL_DOWN,
    NO_DNS,
    BARE,
    EMPTY_DIR,
    BLOCKED,
    NO_EVICTION,
    STRANDED,
    OUTAGE,
    STRANGE,
    NOT_IN_TIME,
    UNSEEN,
    CORDON,
    UNCONFIRMED,
    NEVER_READY,
    FULL,
    INTERRUPTED,
    QUORUM,
];
