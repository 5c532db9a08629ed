//! The folders that commands start from.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use super::failure::Failure;

/// A path that means the same in every folder.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| {
        Failure::new(anyhow::Error::new(error).context(format!("cannot tell where `{}` is", path.display())))
    })
}

/// The platform's folder for our data.
pub(crate) fn data() -> Result<PathBuf, Failure> {
    let base = etcetera::choose_base_strategy();
    let base = base.map_err(|error| {
        Failure::new(anyhow::Error::new(error).context("cannot tell where data is kept"))
            .hint("set HOME to your folder")
    });
    Ok(base?.data_dir().join("secure-io"))
}
