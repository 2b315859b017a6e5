//! The program around the engine: what reads the clock, opens files and interfaces, and writes what the engine says.
//!
//! Live capture and replay go through the same loop, [`drive::drive`]; they differ in the source they give it and in
//! what they do with what comes out.

pub mod alerts;
pub mod ask;
pub mod clock;
pub mod doctor;
pub mod drive;
mod evidence;
pub mod explain;
pub mod gate;
pub mod inventory;
pub mod logging;
mod orders;
pub mod pages;
mod play;
mod reload;
pub mod replay;
pub mod rules;
pub mod run;
mod sensor;
mod service;
pub mod settings;
pub mod simulate;
pub mod state;
mod terminal;
pub mod trace;
mod vitals;
