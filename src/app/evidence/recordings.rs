//! What the pages ask of the flight recorder and of the folder.

use std::io;
use std::path::PathBuf;

use tokio::runtime::Handle;

use super::folder::Folder;
use crate::app::orders::{EngineHandle, NoAnswer};
use crate::engine::KeptFrame;
use crate::evidence::{self, EvidenceName};
use crate::phone::DeviceId;
use crate::trace::{self, Ports, TraceLine, Tracer};
use crate::web::{Recordings, TraceForm, Unavailable};

/// A page with a capture is no larger, in bytes.
const MOST_BYTES: usize = 16 << 20;

/// The frames of these devices in the order of their time, as the flight recorder has them.
pub(super) async fn frames_of(
    engine: &EngineHandle,
    devices: Vec<DeviceId>,
) -> Result<Vec<KeptFrame>, NoAnswer> {
    engine
        .ask(move |engine| {
            let frames = devices.iter().flat_map(|device| engine.recorded(*device));
            let mut frames: Vec<KeptFrame> = frames.collect();
            if devices.len() > 1 {
                frames.sort_by_key(|frame| frame.at);
            }
            frames
        })
        .await
}

/// Asks the running engine.
pub(super) struct EngineRecordings {
    pub(super) engine: EngineHandle,
    pub(super) runtime: Handle,
    pub(super) ports: Ports,
    /// Where the evidence of findings is, if it is kept.
    pub(super) folder: Option<PathBuf>,
}

impl EngineRecordings {
    fn frames(&self, device: DeviceId) -> Result<Vec<KeptFrame>, Unavailable> {
        self.runtime
            .block_on(frames_of(&self.engine, vec![device]))
            .map_err(|error| Unavailable(error.to_string()))
    }
}

impl Recordings for EngineRecordings {
    fn capture(&self, device: DeviceId) -> Result<Vec<u8>, Unavailable> {
        let frames = self.frames(device)?;
        let frames = frames.iter().map(KeptFrame::frame);
        evidence::capture_file(frames, &self.ports.sccp, MOST_BYTES)
            .map_err(|error| Unavailable(error.to_string()))
    }

    fn trace(&self, device: DeviceId, form: TraceForm) -> Result<String, Unavailable> {
        let mut tracer = Tracer::new(self.ports.clone());
        let frames = self.frames(device)?;
        let lines: Vec<TraceLine> = frames.iter().map(|it| tracer.line(&it.frame())).collect();
        match form {
            TraceForm::Text => Ok(trace::table(&lines)),
            TraceForm::Json => serde_json::to_string_pretty(&lines)
                .map(|text| text + "\n")
                .map_err(|error| Unavailable(error.to_string())),
        }
    }

    fn stored(&self) -> Vec<EvidenceName> {
        let folder = self.folder.as_deref().map(Folder::new);
        let files = folder.map_or_else(Vec::new, |folder| folder.list());
        files.into_iter().map(|file| file.name).collect()
    }

    fn read(&self, name: &EvidenceName) -> io::Result<Vec<u8>> {
        let folder = self.folder.as_deref().ok_or(io::ErrorKind::NotFound)?;
        Folder::new(folder).read(name)
    }
}
