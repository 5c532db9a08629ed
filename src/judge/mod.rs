//! Describes certificates and decides on them, and the reports that say so.

pub mod inspect;
pub mod lint;
pub mod report;
pub mod verify;
