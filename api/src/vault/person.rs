//! Who somebody is, in clear for a moment, and masked for everybody.

use domain::identity;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The fields of a person, as sealed. Wiped from memory when dropped.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// 姓名, or the name of a firm.
    pub name: String,
    /// 证件号码, or the credit code of a firm.
    pub id_number: String,
    /// 电话.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// 地址.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// 银行卡号.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bank_card: Option<String>,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Person(…)")
    }
}

/// A person as shown to those who may see the case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MaskedPerson {
    /// First character and a star.
    #[schema(example = "张*")]
    pub name: String,
    /// First six and last four characters.
    #[schema(example = "362522********0018")]
    pub id_number: String,
    /// First three and last four digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "138****5678")]
    pub phone: Option<String>,
    /// Down to the township.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Last four digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bank_card: Option<String>,
}

impl Person {
    /// Returns the person as shown to those who may see the case.
    #[must_use]
    pub fn masked(&self) -> MaskedPerson {
        MaskedPerson {
            name: identity::mask_name(&self.name),
            id_number: identity::mask_id_number(&self.id_number),
            phone: self.phone.as_deref().map(identity::mask_phone),
            address: self.address.as_deref().map(mask_address),
            bank_card: self.bank_card.as_deref().map(identity::mask_bank_card),
        }
    }

    /// Returns name and number alone: what a certificate says of its holder.
    #[must_use]
    pub fn identity(&self) -> Self {
        let mut identity = Self::default();
        identity.name.clone_from(&self.name);
        identity.id_number.clone_from(&self.id_number);
        identity
    }

    /// Returns a field by its name, where it is given.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        match name {
            "name" => Some(&self.name),
            "id_number" => Some(&self.id_number),
            "phone" => self.phone.as_deref(),
            "address" => self.address.as_deref(),
            "bank_card" => self.bank_card.as_deref(),
            _ => None,
        }
    }
}

impl MaskedPerson {
    /// Somebody whose key is destroyed.
    #[must_use]
    pub fn erased() -> Self {
        Self { name: "*".into(), id_number: "*".into(), phone: None, address: None, bank_card: None }
    }
}

/// Returns an address down to the township, and nothing of one without.
fn mask_address(address: &str) -> String {
    let end = ["街道", "镇", "乡"].iter().filter_map(|level| address.find(level).map(|at| at + level.len())).min();
    let shown = end.and_then(|end| address.get(..end)).unwrap_or_default();
    format!("{shown}***")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_shows_its_township_and_no_more() {
        assert_eq!(mask_address("江西省抚州市南丰县琴城镇琴台路8号"), "江西省抚州市南丰县琴城镇***");
        assert_eq!(mask_address("somewhere 8"), "***");
    }

    #[test]
    fn a_person_is_not_printed() {
        let mut person = Person::default();
        person.name.push_str("张三");
        assert!(!format!("{person:?}").contains("张三"));
    }
}
