mod crash;
mod dags;
mod fake;
mod walk;
