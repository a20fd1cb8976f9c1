//! What a child runs: it decodes one picture after another until its parent is gone.

mod confine;
pub(crate) mod inherited;

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::Arc;

use parking_lot::Mutex;
use resight_decode::{DecodeLimits, MemoryBudget, Pages, Place, Refused, RefusedCode, Videos};
use resight_vision::Image;

use crate::wire::{FromChild, Request, ToChild};

/// Looks at a picture before it is decoded, and may refuse it or do worse.
pub type Hook = fn(&[u8]) -> Option<Refused>;

/// Serves the parent that started this process, until it is gone. To be called first of all in a program that was
/// started as [`crate::PoolOptions`] says.
pub fn serve() -> ExitCode {
    serve_with(|_| None)
}

/// As [`serve`], with a look at each picture before it is decoded: for tests.
pub fn serve_with(hook: Hook) -> ExitCode {
    // What decoders say when they panic is an answer, and nobody reads standard error.
    std::panic::set_hook(Box::new(|_| {}));
    inherited::close_all_but_standard();
    match Worker::new(hook).and_then(|worker| worker.serve()) {
        // The parent is gone.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("resight starts this command by itself, to decode pictures: {error}");
            ExitCode::FAILURE
        }
        Ok(()) => ExitCode::SUCCESS,
    }
}

struct Worker {
    socket: Arc<Mutex<UnixStream>>,
    memory: File,
    hook: Hook,
    confined: bool,
}

impl Worker {
    fn new(hook: Hook) -> io::Result<Self> {
        let socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        // Fails where it is none.
        socket.peer_addr()?;
        let memory = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let confined = confine::confine(&socket)?;
        Ok(Self {
            socket: Arc::new(Mutex::new(socket)),
            memory,
            hook,
            confined,
        })
    }

    fn serve(&self) -> io::Result<()> {
        self.answer(&FromChild::Ready {
            confined: self.confined,
        })?;
        loop {
            match self.next()? {
                ToChild::Decode(request) => self.decode(request)?,
                ToChild::Pages(request) => self.pages(request)?,
                // What was still wanted when the pages ended.
                ToChild::Stop => {}
                _ => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
    }

    fn decode(&self, request: Request) -> io::Result<()> {
        let bytes = self.bytes(request)?;
        if let Some(refused) = (self.hook)(&bytes) {
            return self.answer(&FromChild::Refused(refused));
        }
        let decoded = resight_decode::decode(&bytes, &self.limits(request));
        drop(bytes);
        match decoded {
            Ok(decoded) => self.give(&decoded.image, decoded.pages, decoded.depth, None),
            Err(refused) => self.answer(&FromChild::Refused(refused)),
        }
    }

    fn pages(&self, request: Request) -> io::Result<()> {
        let bytes = self.bytes(request)?;
        if let Some(refused) = (self.hook)(&bytes) {
            return self.answer(&FromChild::Refused(refused));
        }
        let limits = self.limits(request);
        match resight_decode::pages(&bytes, &limits) {
            Ok(pages) => self.turn(pages),
            Err(refused) => self.answer(&FromChild::Refused(refused)),
        }
    }

    /// Decodes one page after another, as they are asked for.
    fn turn(&self, mut pages: Pages<'_>) -> io::Result<()> {
        self.answer(&FromChild::Opened)?;
        loop {
            match self.next()? {
                ToChild::Next { skipped } => match pages.nth(skipped as usize) {
                    Some(Ok(page)) => self.give(&page.image, 1, 0, page.time_ms)?,
                    Some(Err(refused)) => return self.answer(&FromChild::Refused(refused)),
                    None => return self.answer(&FromChild::End),
                },
                ToChild::Stop => return Ok(()),
                _ => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
    }

    fn give(&self, image: &Image, pages: u32, depth: u8, time_ms: Option<u64>) -> io::Result<()> {
        self.memory.write_all_at(image.rgb(), 0)?;
        self.answer(&FromChild::Picture {
            width: image.width(),
            height: image.height(),
            pages,
            depth,
            time_ms,
        })
    }

    /// The picture, which is then no longer in the shared memory.
    fn bytes(&self, request: Request) -> io::Result<Vec<u8>> {
        let length = usize::try_from(request.bytes).map_err(|_| io::ErrorKind::InvalidData)?;
        let mut bytes = vec![0; length];
        self.memory.read_exact_at(&mut bytes, 0)?;
        self.memory.set_len(0)?;
        Ok(bytes)
    }

    fn limits(&self, request: Request) -> DecodeLimits {
        let socket = self.socket.clone();
        let ask = move |bytes| {
            let socket = socket.lock();
            let answer = FromChild::Need(bytes)
                .send(&*socket)
                .and_then(|()| ToChild::receive(&*socket));
            match answer {
                Ok(ToChild::Grant) => Ok(()),
                Ok(ToChild::Deny(refused)) => Err(refused),
                _ => Err(Refused::new(
                    RefusedCode::DecoderFailed,
                    "the decoder's process lost its parent",
                )),
            }
        };
        DecodeLimits {
            max_bytes: request.max_bytes,
            max_pixels: request.max_pixels,
            min_side: request.min_side,
            memory: MemoryBudget::of_another(request.most, Box::new(ask)),
            place: Place::default(),
            videos: Videos::default(),
        }
    }

    fn next(&self) -> io::Result<ToChild> {
        ToChild::receive(&*self.socket.lock())
    }

    fn answer(&self, answer: &FromChild) -> io::Result<()> {
        answer.send(&*self.socket.lock())
    }
}
