use crate::trouble::Trouble;
#[derive(clap::Args)]
pub(crate) struct Arguments {}
pub(crate) fn run(_: &Arguments) -> Result<(), Trouble> {
    Ok(())
}
