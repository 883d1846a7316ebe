//! 免证办 in the simulated city: who need not bring which paper, and what the city's library knows of them.

use super::DemoError;
use super::dice::Dice;
use super::people::Resident;
use super::sealing::Sealing;
use crate::vault::Keyring;
use chrono::{Days, NaiveDate};
use domain::catalogue::ItemVersion;
use domain::event::case::TrustLevel;
use domain::event::certificate::{CertificateOrigin, CertificateTakenIn};
use domain::event::evidence::DataShareOutcome;
use domain::event::item::Replacement;
use domain::ids::{CertificateId, MaterialCode, SubjectId};
use domain::policy::Policies;
use std::collections::BTreeSet;

/// The city's library, as the simulation names it.
const LIBRARY: &str = "city";
/// The city's data service, as the simulation names it.
pub(super) const DATA_SERVICE: &str = "city-data";

/// A certificate that the library has by the time somebody comes.
pub(super) struct Known {
    pub(super) id: CertificateId,
    pub(super) taken_in: CertificateTakenIn,
}

/// Throws which papers somebody need not bring: more of them every year, and of most either all or none.
pub(super) fn spared(dice: &mut Dice, item: &ItemVersion, day: NaiveDate) -> BTreeSet<MaterialCode> {
    let by_now = match chrono::Datelike::year(&day) {
        ..=2021 => 0.42,
        2022 => 0.50,
        2023 => 0.58,
        2024 => 0.66,
        _ => 0.74,
    };
    let all = dice.chance(by_now);
    let some = dice.chance(0.4);
    let replaceable = item.definition.materials.iter().filter(|material| material.required);
    let replaceable = replaceable.filter(|material| can_be_spared(material.replaceable_by, &material.code));
    replaceable.filter(|_| all || (some && dice.chance(0.5))).map(|material| material.code.clone()).collect()
}

/// A guardian's certificates are the guardian's; everybody else's are their own.
fn can_be_spared(replacement: Replacement, code: &MaterialCode) -> bool {
    matches!(replacement, Replacement::ECert | Replacement::DataShare) && code.as_str() != "GUAR"
}

/// Returns what the library has of a resident for these papers; the other ones the city's data answer for.
pub(super) fn known(
    sealing: &Sealing<'_>,
    keys: &Keyring,
    subject: &SubjectId,
    resident: &Resident,
    item: &ItemVersion,
    spared: &BTreeSet<MaterialCode>,
    (policies, day): (&Policies, NaiveDate),
) -> Result<Vec<Known>, DemoError> {
    let rules = &policies.at(day).rules;
    let certified = item
        .definition
        .materials
        .iter()
        .filter(|material| material.replaceable_by == Replacement::ECert && spared.contains(&material.code));
    let mut known = Vec::new();
    for material in certified {
        let id = sealing.certificate_id(subject, &material.code);
        // How old a certificate is follows from its id, so that a person's is the same whenever it is asked for.
        let years = u128::from(id.0) % 9 + 1;
        let issued_on = resident.born.max(day - Days::new(365 * u64::try_from(years).unwrap_or(1)));
        let named = rules.certificates.iter().find(|rule| rule.kind.as_str() == material.code.as_str());
        known.push(Known {
            id,
            taken_in: CertificateTakenIn {
                kind: material.code.as_str().parse()?,
                name_zh: named.map_or_else(|| material.name_zh.clone(), |rule| rule.name_zh.clone()),
                holder: sealing.holder(keys, subject, id, resident, day)?,
                number: sealing.certificate_number(keys, subject, id)?,
                issuer: format!("抚州市{}颁发机关", material.name_zh),
                origin: CertificateOrigin::Library { library: LIBRARY.parse()? },
                organisation: "361000".parse()?,
                issued_on: Some(issued_on),
                valid_from: Some(issued_on),
                valid_until: None,
                trust: TrustLevel::A,
                verified_by: None,
                sha256: None,
            },
        });
    }
    Ok(known)
}

/// Throws what the city's data answer.
pub(super) fn answer(dice: &mut Dice) -> DataShareOutcome {
    const SHARES: [(DataShareOutcome, f64); 5] = [
        (DataShareOutcome::Confirmed, 0.945),
        (DataShareOutcome::NotFound, 0.022),
        (DataShareOutcome::TimedOut, 0.018),
        (DataShareOutcome::Mismatch, 0.009),
        (DataShareOutcome::Refused, 0.006),
    ];
    let weights = SHARES.map(|(_, share)| share);
    SHARES.get(dice.weighted(&weights)).map_or(DataShareOutcome::Confirmed, |(outcome, _)| *outcome)
}
