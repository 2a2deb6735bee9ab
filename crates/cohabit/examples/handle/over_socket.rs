//! Both sides, and how a descriptor goes over a socket: unix(7), SCM_RIGHTS.

use std::error::Error;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};

use cohabit::SharedValue;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", socket] => serve(socket),
        ["join", socket] => join(socket),
        _ => Err("usage: handle serve|join SOCKET".into()),
    }
}

/// Makes the object, and hands it to everybody who connects.
pub(crate) fn serve(socket: &str) -> Result<(), Box<dyn Error>> {
    let rpm = SharedValue::<u32>::anonymous(|| 900)?;
    let listener = UnixListener::bind(socket)?;
    println!("{} rpm, to be had at {socket}", rpm.get()?);
    for stream in listener.incoming() {
        send(&stream?, rpm.to_fd()?)?;
    }
    Ok(())
}

/// Gets the object, and uses it as its own.
pub(crate) fn join(socket: &str) -> Result<(), Box<dyn Error>> {
    let rpm = SharedValue::<u32>::from_fd(receive(&UnixStream::connect(socket)?)?)?;
    rpm.update(|rpm| *rpm += 1)?;
    println!("{} rpm, with {} users", rpm.get()?, rpm.users()?.len());
    Ok(())
}

/// Sends one descriptor, and one byte to carry it.
pub(crate) fn send(stream: &UnixStream, descriptor: impl AsFd) -> io::Result<()> {
    let descriptors = [descriptor.as_fd()];
    let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut extra = SendAncillaryBuffer::new(&mut room);
    extra.push(SendAncillaryMessage::ScmRights(&descriptors));
    sendmsg(stream, &[IoSlice::new(b"!")], &mut extra, SendFlags::empty())?;
    Ok(())
}

/// Receives one descriptor.
pub(crate) fn receive(stream: &UnixStream) -> io::Result<OwnedFd> {
    let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut extra = RecvAncillaryBuffer::new(&mut room);
    let mut byte = [0];
    recvmsg(stream, &mut [IoSliceMut::new(&mut byte)], &mut extra, RecvFlags::CMSG_CLOEXEC)?;
    let mut descriptors = extra.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
        _ => None,
    });
    let first = descriptors.next().and_then(|mut descriptors| descriptors.next());
    first.ok_or_else(|| io::Error::other("no descriptor came"))
}
