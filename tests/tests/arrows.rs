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
        external: Some(&[
            "arc-swap",
            "async-trait",
            "bytes",
            "crc32c",
            "futures",
            "sled",
            "smallvec",
            "smol_str",
            "thiserror",
            "tokio",
        ]),
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

#[test]
fn nothing_that_looks_back_or_imagines_can_write() {
    let replay = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../replay/src");
    let imagining = std::fs::read_dir(replay.join("what_if")).expect("what-if has its folder");
    let files = imagining.map(|file| file.expect("a folder that can be read").path());
    let looking = ["what_if.rs", "diff.rs", "difference.rs", "question.rs", "play.rs", "as_of.rs"];
    for file in files.chain(looking.map(|name| replay.join(name))) {
        let text = std::fs::read_to_string(&file).expect("a source that can be read");
        assert!(!text.contains("Journal") && !text.contains("journal::"), "{} must not hold a journal", file.display());
    }
}
