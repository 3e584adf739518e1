//! The text files of the sample city, embedded. `policies/` of the city folder takes the departments' exceptions.

macro_rules! embedded {
    ($($to:literal from $from:literal),* $(,)?) => {
        [$(($to, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $from)))),*]
    };
}

/// The file with the settings.
pub(super) const SETTINGS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/sample/heyan.toml"));

/// Path in the city folder, and text.
pub(super) const FILES: [(&str, &str); 30] = embedded![
    ".gitignore" from "sample/gitignore",
    "systems/systems.toml" from "sample/systems/systems.toml",
    "people/people.toml" from "sample/people/people.toml",
    "grants/grants.toml" from "sample/grants/grants.toml",
    "departments/civil-affairs.toml" from "../adapters/departments/civil-affairs.toml",
    "departments/disabled-federation.toml" from "../adapters/departments/disabled-federation.toml",
    "departments/education.toml" from "../adapters/departments/education.toml",
    "departments/health.toml" from "../adapters/departments/health.toml",
    "departments/housing-construction.toml" from "../adapters/departments/housing-construction.toml",
    "departments/human-resources.toml" from "../adapters/departments/human-resources.toml",
    "departments/market-regulation.toml" from "../adapters/departments/market-regulation.toml",
    "departments/natural-resources.toml" from "../adapters/departments/natural-resources.toml",
    "departments/public-security.toml" from "../adapters/departments/public-security.toml",
    "departments/service-centre.toml" from "../adapters/departments/service-centre.toml",
    "departments/tax.toml" from "../adapters/departments/tax.toml",
    "departments/transport.toml" from "../adapters/departments/transport.toml",
    "items/adoption-registration.toml" from "items/adoption-registration.toml",
    "items/birth-registration.toml" from "items/birth-registration.toml",
    "items/construction-permit.toml" from "items/construction-permit.toml",
    "items/food-circulation-licence.toml" from "items/food-circulation-licence.toml",
    "items/food-licence-issue.toml" from "items/food-licence-issue.toml",
    "items/nursery-filing.toml" from "items/nursery-filing.toml",
    "items/public-rental-housing.toml" from "items/public-rental-housing.toml",
    "items/road-freight-licence.toml" from "items/road-freight-licence.toml",
    "items/talent-settlement.toml" from "items/talent-settlement.toml",
    "policies/civil-affairs.cedar" from "../policies/departments/civil-affairs.cedar",
    "policies/health.cedar" from "../policies/departments/health.cedar",
    "policies/natural-resources.cedar" from "../policies/departments/natural-resources.cedar",
    "policies/public-security.cedar" from "../policies/departments/public-security.cedar",
    "policies/tax.cedar" from "../policies/departments/tax.cedar",
];
