//! Who may know whom. The arrows of the architecture are kept by the build, not by memory.

#![expect(clippy::expect_used, reason = "a step that fails here is a failed test")]

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use std::collections::BTreeSet;

/// A crate of this workspace and everything it may use in what it ships.
struct Arrow {
    from: &'static str,
    workspace: &'static [&'static str],
    /// `None`: anything the licence rules allow.
    external: Option<&'static [&'static str]>,
}

const ARROWS: [Arrow; 6] = [
    Arrow {
        from: "domain",
        workspace: &[],
        external: Some(&["chrono", "serde", "serde_json", "smol_str", "thiserror", "ulid"]),
    },
    Arrow {
        from: "eventstore",
        workspace: &[],
        external: Some(&["async-trait", "bytes", "crc32c", "futures", "sled", "thiserror", "tokio", "xorf"]),
    },
    // Attributes of a history taken in from elsewhere stay the JSON they were given as.
    Arrow {
        from: "projections",
        workspace: &["domain"],
        external: Some(&["chrono", "serde", "serde_json", "thiserror"]),
    },
    Arrow { from: "replay", workspace: &["domain", "eventstore", "projections"], external: None },
    Arrow { from: "api", workspace: &["domain", "eventstore", "projections", "replay"], external: None },
    Arrow { from: "tests", workspace: &[], external: Some(&[]) },
];

fn metadata() -> Metadata {
    MetadataCommand::new().no_deps().other_options(["--offline".to_owned()]).exec().expect("cargo knows its workspace")
}

fn shipped_dependencies(package: &Package) -> BTreeSet<&str> {
    package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind == DependencyKind::Normal)
        .map(|dependency| dependency.name.as_str())
        .collect()
}

#[test]
fn every_crate_uses_only_what_its_arrows_allow() {
    let metadata = metadata();
    let members: BTreeSet<&str> = metadata.packages.iter().map(|package| package.name.as_str()).collect();
    assert_eq!(members, ARROWS.iter().map(|arrow| arrow.from).collect(), "a new crate needs its arrows here");

    for arrow in &ARROWS {
        let package =
            metadata.packages.iter().find(|package| package.name.as_str() == arrow.from).expect("checked above");
        for used in shipped_dependencies(package) {
            let allowed = if members.contains(used) {
                arrow.workspace.contains(&used)
            } else {
                arrow.external.is_none_or(|external| external.contains(&used))
            };
            assert!(allowed, "{} must not use {used}", arrow.from);
        }
    }
}

#[test]
fn only_the_composition_root_knows_http() {
    for package in metadata().packages {
        let knows_http = shipped_dependencies(&package).iter().any(|used| used.starts_with("actix"));
        assert!(!knows_http || package.name.as_str() == "api", "{} must not speak HTTP", package.name);
    }
}
