mod locking;
mod samples;
mod storing;
mod trust;
