//! The commands of the documents: run, or looked through.

mod check;
mod page;
mod run;
