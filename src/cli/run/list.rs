use secure_io::report::running::Running;

use crate::cli::Outcome;
use crate::cli::failure::Failure;
use crate::cli::output::Output;

/// Prints the dev servers that run.
pub(super) fn print(running: &Running, as_json: bool, out: &mut Output) -> Result<Outcome, Failure> {
    if as_json {
        out.json(running)?;
    } else if running.servers.is_empty() {
        out.note("no dev server runs");
    } else {
        out.answer(&running.text())?;
    }
    Ok(Outcome::Done)
}
