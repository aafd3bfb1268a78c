//! Amounts that are there already, and whose they are.

use crate::decide::settings;
use crate::kinds::check;
use crate::support::answer;

const WANTED: &str = "node = \"w1\"\nname = \"example.com/dongle\"\nquantity = 4";

/// A node with this amount, written by this manager.
fn node(amount: &str, manager: &str) -> String {
    format!(
        r#"{{"apiVersion": "v1", "kind": "Node", "metadata": {{"name": "w1", "uid": "u1",
            "managedFields": [{{"manager": "{manager}", "operation": "Update", "subresource": "status",
                "fieldsV1": {{"f:status": {{"f:capacity": {{"f:example.com/dongle": {{}}}}}}}}}}]}},
          "status": {{"capacity": {{"example.com/dongle": "{amount}"}}}}}}"#
    )
}

fn plan(live: &str) -> String {
    answer(&settings().of_kind("extended_resource").wanting(WANTED).live(live).plan())
}

#[test]
fn amount_of_a_program_is_not_overwritten() {
    assert_eq!(
        plan(&node("8", "kubelet")),
        "Error E0721 at `quantity`: Amount already exists: Node `w1` has 8 of \
         `example.com/dongle` already. `kubelet` wrote that, not this configuration. [Remove the \
         block to leave the amount as it is. To set it here all the same, remove it from the \
         node first; a device plugin would write it again.]"
    );
}

#[test]
fn amount_that_somebody_set_by_hand_is_overwritten_in_the_open() {
    let told = plan(&node("8", "curl"));
    assert!(told.starts_with("Update ("), "{told}");
    assert!(told.contains("was 8, set by hand (`curl`); an apply overwrites it"), "{told}");
    let nobody =
        r#"{"metadata": {"uid": "u1"}, "status": {"capacity": {"example.com/dongle": "8"}}}"#;
    let told = plan(nobody);
    assert!(told.contains("was 8, and nobody knows who set it; an apply overwrites it"), "{told}");
}

#[test]
fn our_own_amount_equal_ones_and_zero_are_no_question() {
    assert!(plan(&node("8", "clinch")).starts_with("Update ("));
    assert_eq!(plan(&node("4", "kubelet")), "NoOp (compared here)");
    let told = plan(&node("0", "kubelet"));
    assert!(told.contains("zero: the kubelet resets it"), "{told}");
    let remembered = settings().of_kind("extended_resource").wanting(WANTED).remembered("u1");
    let told = answer(&remembered.live(&node("8", "kubelet")).plan());
    assert!(told.starts_with("Update ("), "{told}");
}

#[test]
fn amount_with_a_unit_of_everyday_life_is_refused_with_what_to_write() {
    check("extended_resource", "node = \"w1\"\nname = \"example.com/dongle\"\nquantity = \"4GB\"", "
        Error E0741 at `quantity`: Invalid extended resource: `4GB` is not a quantity: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'. [Write `4G` (powers of 1000) or `4Gi` (powers of 1024).]
    ");
}
