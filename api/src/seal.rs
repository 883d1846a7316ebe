//! Clear bodies in, domain commands out: the one place where what people write becomes sealed text.

use crate::problem::{FieldError, Text};
use crate::vault::{Keyring, Person, Vault, VaultError};
use chrono::NaiveDate;
use domain::case::{CaseCommand, DataShareAsked, Survivor};
use domain::certificate::Reliance;
use domain::identity::{self, IdNumber};
use domain::ids::{CaseId, CertificateId, CommandId, ExternalNumber, MaterialCode, OrganisationId, SubjectId};
use domain::sealed::{AgeBand, Party, PartyKind, Sealed};
use serde::Deserialize;
use std::collections::BTreeSet;
use utoipa::ToSchema;
use zeroize::Zeroizing;

/// The longest text of a field, in characters.
pub const TEXT_CHARS_MAX: usize = 2000;
/// The longest name, title or label, in characters.
pub const NAME_CHARS_MAX: usize = 200;
/// The most entries of a list in a body.
pub const LIST_MAX: usize = 100;
/// Crockford's digits: no I, L, O or U, so that nobody misreads a printed code.
const CODE_DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// What is wrong with a body, collected in one pass so that everything is said at once.
#[derive(Debug, Default)]
pub struct Flaws(pub Vec<FieldError>);

impl Flaws {
    /// Something is wrong there.
    pub fn add(&mut self, pointer: impl Into<String>, zh: impl Into<String>, en: impl Into<String>) {
        self.0.push(FieldError::new(pointer, Text::new(zh, en)));
    }

    /// A text must say something, and not more than fits.
    pub fn text(&mut self, pointer: &str, text: &str) {
        self.sized(pointer, text, TEXT_CHARS_MAX);
    }

    /// A text that may be left out.
    pub fn optional(&mut self, pointer: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(pointer, text);
        }
    }

    /// A name, title or label.
    pub fn name(&mut self, pointer: &str, text: &str) {
        self.sized(pointer, text, NAME_CHARS_MAX);
    }

    fn sized(&mut self, pointer: &str, text: &str, chars_max: usize) {
        if text.trim().is_empty() {
            self.add(pointer, "不得为空", "must not be empty");
        } else if chars_max < text.chars().count() {
            let (zh, en) = (format!("不得超过{chars_max}字"), format!("must have at most {chars_max} characters"));
            self.add(pointer, zh, en);
        } else if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
            self.add(pointer, "含有控制字符", "must not contain control characters");
        }
    }

    /// A list has an end.
    pub fn list<T>(&mut self, pointer: &str, list: &[T]) {
        if LIST_MAX < list.len() {
            let (zh, en) = (format!("不得超过{LIST_MAX}项"), format!("must have at most {LIST_MAX} entries"));
            self.add(pointer, zh, en);
        }
    }

    /// A SHA-256 in lower-case hex.
    pub fn sha256(&mut self, pointer: &str, digits: Option<&str>) {
        let well_formed = |digits: &str| {
            digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        };
        if digits.is_some_and(|digits| !well_formed(digits)) {
            self.add(pointer, "须为64位小写十六进制", "must be 64 lower-case hex digits");
        }
    }
}

/// What the body of an action says.
pub trait Act: Send {
    /// Looks for everything that is wrong with it, by itself.
    fn check(&self, flaws: &mut Flaws);

    /// Returns the persons it names, whose keys must be there before it is sealed.
    fn persons(&self) -> Vec<&PersonBody> {
        Vec::new()
    }

    /// Returns the other case that it names, which the caller must be able to see.
    fn other_case(&self) -> Option<CaseId> {
        None
    }

    /// Returns what must be found out elsewhere before it can be asked for.
    fn needs(&self) -> Need<'_> {
        Need::Nothing
    }

    /// Returns the domain command, with every text about people sealed.
    ///
    /// # Errors
    /// A key is not there.
    fn command(&self, sealer: &Sealer<'_>) -> Result<CaseCommand, VaultError>;
}

/// What an act needs from elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need<'a> {
    /// Nothing.
    Nothing,
    /// A certificate, as it is now.
    Certificate(CertificateId),
    /// What the library holds of everybody in the case.
    Library,
    /// An answer of the city's data.
    DataShare {
        /// Instead of which material.
        code: &'a MaterialCode,
        /// About whom; the applicant if absent.
        about: Option<&'a SubjectId>,
    },
}

/// What was found out.
#[derive(Debug, Clone)]
pub enum Found {
    /// Nothing was needed.
    Nothing,
    /// The certificate.
    Certificate(Box<Reliance>),
    /// The materials for which something in the library would stand.
    Library(BTreeSet<MaterialCode>),
    /// What the city's data were asked, and what came of it.
    DataShare(Box<DataShareAsked>),
}

/// Seals the texts of one command, and makes the numbers that it prints.
pub struct Sealer<'a> {
    /// The keys at hand.
    pub vault: &'a Vault,
    /// Those of this command's persons.
    pub keyring: &'a Keyring,
    /// The stream it is written to.
    pub context: &'a str,
    /// The applicant, with whose key what is said about the case is sealed.
    pub applicant: &'a Party,
    /// The command.
    pub command: CommandId,
    /// The organisation that acts.
    pub organisation: &'a OrganisationId,
    /// The day of the act.
    pub day: NaiveDate,
    /// This case.
    pub case: CaseId,
    /// The other case that the body names, where it names one.
    pub other: Option<Survivor>,
    /// What was found out for the act.
    pub found: &'a Found,
}

impl Sealer<'_> {
    /// Seals a text about the case.
    ///
    /// # Errors
    /// The applicant's key is not there.
    pub fn text(&self, text: &str) -> Result<Sealed, VaultError> {
        self.vault.seal(self.keyring, &self.applicant.subject, self.context, text.trim())
    }

    /// Seals a text that may be left out.
    ///
    /// # Errors
    /// As [`text`](Self::text).
    pub fn optional(&self, text: Option<&str>) -> Result<Option<Sealed>, VaultError> {
        text.map(|text| self.text(text)).transpose()
    }

    /// Returns a number for a printed paper of this kind. It follows from the command, so a repeated one prints the same.
    #[must_use]
    pub fn number(&self, kind: &str) -> ExternalNumber {
        number(self.vault, self.command, kind, self.organisation, self.day)
    }

    /// Seals who a person is.
    ///
    /// # Errors
    /// The person's key is not there.
    pub fn party(&self, body: &PersonBody) -> Result<Party, VaultError> {
        party(self.vault, self.keyring, self.context, body, self.day)
    }
}

/// Returns a number for a printed paper: kind, organisation, day, and eight digits that follow from the command.
#[must_use]
#[expect(clippy::expect_used, reason = "the longest organisation code still leaves a number within its 64 characters")]
pub fn number(
    vault: &Vault,
    command: CommandId,
    kind: &str,
    organisation: &OrganisationId,
    day: NaiveDate,
) -> ExternalNumber {
    let digest = vault.digest("number", &[kind.as_bytes(), &command.0.to_bytes()]);
    let office: String = organisation.as_str().chars().filter(char::is_ascii_alphanumeric).take(32).collect();
    let text = format!("{kind}{office}-{}-{}", day.format("%Y%m%d"), code(&digest, 8));
    text.parse().expect("ASCII letters, digits and hyphens, at most 54 of them")
}

/// Returns a code of that many digits, each worth five bits, from a digest.
#[must_use]
pub fn code(digest: &[u8; 32], digits: usize) -> String {
    let digit = |byte: &u8| CODE_DIGITS.get(usize::from(byte & 31)).copied().unwrap_or(b'0');
    digest.iter().take(digits).map(digit).map(char::from).collect()
}

/// Returns the one-time code that lets whoever holds the receipt rate the case.
#[must_use]
pub fn rating_code(vault: &Vault, case: &str, command: CommandId) -> String {
    code(&vault.digest("rating-code", &[case.as_bytes(), &command.0.to_bytes()]), 10)
}

/// Returns what is recorded of a rating code. Blanks and hyphens do not matter, nor does case.
#[must_use]
pub fn rating_code_digest(vault: &Vault, case: &str, code: &str) -> String {
    let code: String = code.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_uppercase();
    crate::vault::hex(&vault.digest("rating-code-digest", &[case.as_bytes(), b"\0", code.as_bytes()])[..16])
}

/// Returns a word by which ratings from one device (or network, or with the same words) are known to belong together,
/// and nothing else of it.
#[must_use]
pub fn origin_digest(vault: &Vault, of: &str, text: &str) -> String {
    crate::vault::hex(&vault.digest("rating-origin", &[of.as_bytes(), b"\0", text.as_bytes()])[..12])
}

/// Returns the code under which whoever holds the receipt may ask how far the case is.
#[must_use]
pub fn query_code(vault: &Vault, case: &str) -> String {
    code(&vault.digest("query-code", &[case.as_bytes()]), 8)
}

/// Compares to the end whatever is given, so that time tells nothing of the code.
#[must_use]
pub fn is_same(known: &str, given: &str) -> bool {
    let differing = known.bytes().zip(given.bytes()).fold(0, |differing, (a, b)| differing | (a ^ b));
    known.len() == given.len() && differing == 0
}

/// What kind of number identifies somebody.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IdType {
    /// 居民身份证; for firms 统一社会信用代码. Its check character must fit.
    #[default]
    Standard,
    /// Another document, or an old number whose check character never fitted.
    Other,
}

/// What kind of applicant (GB/T 39046 A.4).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PersonKind {
    /// 自然人.
    #[default]
    NaturalPerson,
    /// 企业法人.
    Enterprise,
    /// 事业法人.
    PublicInstitution,
    /// 社会组织法人.
    SocialOrganisation,
    /// 行政机关.
    AdministrativeOrgan,
    /// 其他.
    Other,
}

impl From<PersonKind> for PartyKind {
    fn from(kind: PersonKind) -> Self {
        match kind {
            PersonKind::NaturalPerson => Self::NaturalPerson,
            PersonKind::Enterprise => Self::Enterprise,
            PersonKind::PublicInstitution => Self::PublicInstitution,
            PersonKind::SocialOrganisation => Self::SocialOrganisation,
            PersonKind::AdministrativeOrgan => Self::AdministrativeOrgan,
            PersonKind::Other => Self::Other,
        }
    }
}

/// A person or firm, in clear, on the way in.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonBody {
    /// What kind; a natural person if absent.
    #[serde(default)]
    #[schema(inline)]
    pub kind: PersonKind,
    /// 姓名, or the name of a firm.
    #[schema(example = "杨某某")]
    pub name: String,
    /// 证件号码.
    #[schema(example = "362522194803050018")]
    pub id_number: String,
    /// What the number is; the usual one if absent.
    #[serde(default)]
    #[schema(inline)]
    pub id_type: IdType,
    /// 电话.
    #[serde(default)]
    #[schema(example = "13870401234")]
    pub phone: Option<String>,
    /// 地址.
    #[serde(default)]
    pub address: Option<String>,
    /// 银行卡号.
    #[serde(default)]
    pub bank_card: Option<String>,
}

impl PersonBody {
    /// Looks for everything that is wrong with it.
    pub fn check(&self, at: &str, flaws: &mut Flaws) {
        flaws.name(&format!("{at}/name"), &self.name);
        Self::check_id(self.kind, self.id_type, &self.id_number, &format!("{at}/id_number"), flaws);
        if let Some(phone) = &self.phone {
            digits(&format!("{at}/phone"), phone, 5..=20, flaws);
        }
        if let Some(card) = &self.bank_card {
            digits(&format!("{at}/bank_card"), card, 8..=30, flaws);
        }
        if let Some(address) = &self.address {
            flaws.name(&format!("{at}/address"), address);
        }
    }

    /// Looks at a number alone.
    pub fn check_id(kind: PersonKind, id_type: IdType, id_number: &str, pointer: &str, flaws: &mut Flaws) {
        match (id_type, kind) {
            (IdType::Standard, PersonKind::NaturalPerson) => {
                if IdNumber::parse(id_number).is_err() {
                    flaws.add(pointer, "身份证号码有误", "is not a valid identity number");
                }
            }
            (IdType::Standard, _) => {
                if !identity::is_credit_code(id_number) {
                    flaws.add(pointer, "统一社会信用代码有误", "is not a valid credit code");
                }
            }
            (IdType::Other, _) => {
                let length = id_number.trim().chars().count();
                if !(4..=64).contains(&length) || id_number.chars().any(char::is_control) {
                    flaws.add(pointer, "证件号码须为4至64个字符", "must have 4 to 64 characters");
                }
            }
        }
    }

    fn age_band(&self, day: NaiveDate) -> Option<AgeBand> {
        let natural = self.kind == PersonKind::NaturalPerson && self.id_type == IdType::Standard;
        natural.then(|| IdNumber::parse(&self.id_number).ok()).flatten().map(|number| number.age_band(day))
    }

    /// Returns the person's reference.
    #[must_use]
    pub fn subject(&self, vault: &Vault) -> SubjectId {
        vault.subject(&self.id_number)
    }
}

impl std::fmt::Debug for PersonBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PersonBody(…)")
    }
}

fn digits(pointer: &str, text: &str, length: std::ops::RangeInclusive<usize>, flaws: &mut Flaws) {
    let count = text.chars().filter(char::is_ascii_digit).count();
    let others = text.chars().any(|c| !c.is_ascii_digit() && !"+- ".contains(c));
    if others || !length.contains(&count) {
        flaws.add(pointer, "号码有误", "is not a valid number");
    }
}

/// Seals who a person is: the reference, what rules need, and the rest unreadable.
///
/// # Errors
/// The person's key is not on the keyring.
pub fn party(
    vault: &Vault,
    keyring: &Keyring,
    context: &str,
    body: &PersonBody,
    day: NaiveDate,
) -> Result<Party, VaultError> {
    let subject = body.subject(vault);
    let mut person = Person::default();
    person.name = body.name.trim().to_owned();
    person.id_number = body.id_number.trim().to_uppercase();
    person.phone = body.phone.clone();
    person.address = body.address.clone();
    person.bank_card = body.bank_card.clone();
    let text = Zeroizing::new(serde_json::to_string(&person).map_err(|_| VaultError::Broken)?);
    let person = vault.seal(keyring, &subject, context, &text)?;
    Ok(Party { subject, kind: body.kind.into(), age_band: body.age_band(day), person })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(id_number: &str) -> PersonBody {
        serde_json::from_value(serde_json::json!({"name": "杨某某", "id_number": id_number})).unwrap()
    }

    fn pointers(body: &PersonBody) -> Vec<String> {
        let mut flaws = Flaws::default();
        body.check("/applicant", &mut flaws);
        flaws.0.into_iter().map(|flaw| flaw.pointer).collect()
    }

    #[test]
    fn an_identity_number_with_a_wrong_check_character_is_refused() {
        assert_eq!(pointers(&person("110105194912310021")), ["/applicant/id_number"]);
        assert!(pointers(&person("11010519491231002X")).is_empty());
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let mut body = person("1");
        body.name.clear();
        body.phone = Some("no".into());
        assert_eq!(pointers(&body), ["/applicant/name", "/applicant/id_number", "/applicant/phone"]);
    }

    #[test]
    fn a_rating_code_is_recognised_however_it_is_typed() {
        let vault = Vault::in_memory(Some([1; 32])).unwrap();
        let code = rating_code(&vault, "case", CommandId(ulid::Ulid::from_parts(1, 1)));
        let typed = format!("{} -{}", &code[..5].to_lowercase(), &code[5..]);
        assert_eq!(rating_code_digest(&vault, "case", &code), rating_code_digest(&vault, "case", &typed));
        assert_ne!(rating_code_digest(&vault, "case", &code), rating_code_digest(&vault, "other", &code));
    }
}
