mod crash;
mod dags;
mod fake;
mod turns;
mod walk;
