use crate::trouble::Trouble;
pub(crate) fn run() -> Result<(), Trouble> {
    Ok(())
}
