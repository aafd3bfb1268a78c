//! Functions over IP networks.

use super::Kind::{Number, String};
use super::{Failed, FunctionInfo, Outcome, deep, fail, int_at, p, str_at};
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use values::Value;

pub(super) fn table() -> Vec<FunctionInfo> {
    vec![
        deep(
            "cidrhost",
            [p("prefix", String), p("host", Number)],
            "string",
            "The address of a host in a network; negative numbers count from the end.",
            cidrhost,
        ),
        deep(
            "cidrcontains",
            [p("containing", String), p("contained", String)],
            "bool",
            "Whether an address or a network lies in a network.",
            |a| {
                let outer = network(a, 0)?;
                let inner = match str_at(a, 1).parse::<IpAddr>() {
                    Ok(address) => IpNet::from(address),
                    Err(_) => network(a, 1)?,
                };
                let same = matches!(
                    (&outer, &inner),
                    (IpNet::V4(_), IpNet::V4(_)) | (IpNet::V6(_), IpNet::V6(_))
                );
                if !same {
                    return fail(1, "one is of IPv4 and the other of IPv6");
                }
                Ok(Value::Bool(outer.contains(&inner)))
            },
        ),
        deep(
            "cidrnetmask",
            [p("prefix", String)],
            "string",
            "The netmask of an IPv4 network.",
            |a| match network(a, 0)? {
                IpNet::V4(net) => Ok(net.netmask().to_string().into()),
                IpNet::V6(_) => fail(0, "an IPv6 network has no netmask"),
            },
        ),
        deep(
            "cidrsubnet",
            [p("prefix", String), p("newbits", Number), p("netnum", Number)],
            "string",
            "A network within a network.",
            |a| {
                let net = network(a, 0)?;
                let bits = int_at(a, 1)?;
                subnet(net, bits, a, 1, 2).map(|n| n.to_string().into())
            },
        ),
        deep(
            "cidrsubnets",
            [p("prefix", String), p("newbits", Number)],
            "list(string)",
            "Networks of these sizes within a network, one after the other.",
            cidrsubnets,
        )
        .variadic(),
    ]
}

/// Reads a network; the bits of the host may be set and are left out.
fn network(a: &[Value], i: usize) -> Result<IpNet, Failed> {
    let text = str_at(a, i);
    let leading_zero =
        text.split_once('/').is_some_and(|(_, bits)| bits.len() > 1 && bits.starts_with('0'));
    match text.parse::<IpNet>() {
        Ok(net) if !leading_zero => Ok(net.trunc()),
        _ => fail(i, format!("{text:?} is not a network such as \"10.0.0.0/16\"")),
    }
}

fn bits_of(net: &IpNet) -> u128 {
    match net.network() {
        IpAddr::V4(ip) => u128::from(u32::from(ip)),
        IpAddr::V6(ip) => u128::from(ip),
    }
}

fn address(net: &IpNet, bits: u128) -> IpAddr {
    match net {
        IpNet::V4(_) => IpAddr::V4(Ipv4Addr::from(u32::try_from(bits).unwrap_or(u32::MAX))),
        IpNet::V6(_) => IpAddr::V6(Ipv6Addr::from(bits)),
    }
}

/// 2 to the `bits`, or `None` when that is the whole of IPv6.
fn size(bits: u8) -> Option<u128> {
    1u128.checked_shl(u32::from(bits))
}

fn cidrhost(a: &[Value]) -> Outcome {
    let net = network(a, 0)?;
    let Some(host) = a[1].as_number().filter(|n| n.is_integer()) else {
        return fail(1, "a whole number is needed");
    };
    let Ok(host) = host.to_string().parse::<i128>() else {
        return fail(1, "the number is too large");
    };
    let free = net.max_prefix_len() - net.prefix_len();
    let too_large =
        || format!("a network with the prefix /{} has no host {host}", net.prefix_len());
    let size = size(free);
    let offset = match u128::try_from(host) {
        Ok(up) if size.is_none_or(|s| up < s) => up,
        Ok(_) => return fail(1, too_large()),
        Err(_) => match (size, host.unsigned_abs()) {
            (Some(s), down) if down <= s => s - down,
            (None, down) => u128::MAX - (down - 1),
            _ => return fail(1, too_large()),
        },
    };
    Ok(address(&net, bits_of(&net) | offset).to_string().into())
}

fn subnet(
    net: IpNet,
    new_bits: i64,
    a: &[Value],
    bits_arg: usize,
    num_arg: usize,
) -> Result<IpNet, Failed> {
    let max = net.max_prefix_len();
    let Some(longer) = u8::try_from(new_bits)
        .ok()
        .and_then(|b| net.prefix_len().checked_add(b))
        .filter(|l| *l <= max)
    else {
        return fail(
            bits_arg,
            format!("a prefix of /{} cannot be made longer by {new_bits} bits", net.prefix_len()),
        );
    };
    let Some(number) = a[num_arg].as_number().and_then(|n| n.to_string().parse::<i128>().ok())
    else {
        return fail(num_arg, "a whole number is needed");
    };
    let count = size(longer - net.prefix_len());
    let index = match u128::try_from(number) {
        Ok(i) if count.is_none_or(|c| i < c) => i,
        Err(_) if count.is_some_and(|c| number.unsigned_abs() <= c) => {
            count.unwrap_or(0) - number.unsigned_abs()
        }
        _ => {
            return fail(
                num_arg,
                format!("{new_bits} bits are too few for the network number {number}"),
            );
        }
    };
    place(&net, longer, index.checked_shl(u32::from(max - longer)).unwrap_or(0), bits_arg)
}

fn place(net: &IpNet, prefix: u8, offset: u128, arg: usize) -> Result<IpNet, Failed> {
    let Ok(found) = IpNet::new(address(net, bits_of(net) | offset), prefix) else {
        return fail(arg, "the prefix is too long");
    };
    Ok(found)
}

fn cidrsubnets(a: &[Value]) -> Outcome {
    let net = network(a, 0)?;
    let max = net.max_prefix_len();
    let end = size(max - net.prefix_len());
    let mut used = 0u128;
    let mut found = Vec::new();
    for i in 1..a.len() {
        let bits = int_at(a, i)?;
        let prefix = u8::try_from(bits)
            .ok()
            .filter(|b| *b > 0)
            .and_then(|b| net.prefix_len().checked_add(b))
            .filter(|l| *l <= max);
        let Some(prefix) = prefix else {
            return fail(
                i,
                format!("a prefix of /{} cannot be made longer by {bits} bits", net.prefix_len()),
            );
        };
        let step = size(max - prefix).unwrap_or(u128::MAX);
        // A network starts at a multiple of its size.
        let start = used.div_ceil(step).checked_mul(step);
        match start {
            Some(start) if end.is_none_or(|e| start + (step - 1) < e) => {
                found.push(Value::from(place(&net, prefix, start, i)?.to_string()));
                used = start.saturating_add(step);
            }
            _ => return fail(i, format!("there is no room left in {net}")),
        }
    }
    Ok(Value::list(found))
}
