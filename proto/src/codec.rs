//! Protobuf as the services read it: bounded in fields, not in bytes alone.

use std::marker::PhantomData;

use prost::Message;
use prost::bytes::Buf as _;
use prost::encoding::{WireType, decode_key, decode_varint};
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder};
use tonic_prost::ProstCodec;

/// The most fields of a message, those of the messages in it included. A batch of a hundred full questions, with a few values in
/// each claim, has fewer.
///
/// Two bytes are an empty message in a list, which takes hundreds of bytes of memory once it is read: a megabyte of them would
/// take a quarter of a gigabyte.
pub const FIELDS_MAX: usize = 32 * 1024;

/// How deep messages lie in messages, at most: batch, question, claim, list.
const DEPTH: usize = 4;

/// The codec of the generated services and clients.
#[derive(Debug)]
pub struct BoundedCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for BoundedCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T: Message + Send + 'static, U: Message + Default + Send + 'static> Codec for BoundedCodec<T, U> {
    type Encode = T;
    type Decode = U;
    type Encoder = <ProstCodec<T, U> as Codec>::Encoder;
    type Decoder = BoundedDecoder<<ProstCodec<T, U> as Codec>::Decoder>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::default().encoder()
    }

    fn decoder(&mut self) -> Self::Decoder {
        BoundedDecoder(ProstCodec::<T, U>::default().decoder())
    }
}

/// Looks at a message before another decoder reads it.
#[derive(Debug)]
pub struct BoundedDecoder<D>(D);

impl<D: Decoder<Error = Status>> Decoder for BoundedDecoder<D> {
    type Item = D::Item;
    type Error = Status;

    fn decode(&mut self, message: &mut DecodeBuf<'_>) -> Result<Option<D::Item>, Status> {
        // tonic hands a whole message over, in one piece. A second one would not be looked at, so it is refused.
        if message.chunk().len() < message.remaining() || !fits(message.chunk()) {
            return Err(Status::out_of_range(format!("the message has more than {FIELDS_MAX} fields")));
        }
        self.0.decode(message)
    }
}

/// Whether a message has at most [`FIELDS_MAX`] fields. What is no message at all is left to prost.
fn fits(message: &[u8]) -> bool {
    !matches!(walk(message, DEPTH, &mut FIELDS_MAX.clone()), Err(Stop::TooMany))
}

/// Why a walk over fields has stopped.
enum Stop {
    NoMessage,
    TooMany,
}

/// Takes the fields of a message off what is left. Whether something of a length is a message, a text or numbers is not known
/// here: what can be read as a message counts as one.
fn walk(mut bytes: &[u8], depth: usize, left: &mut usize) -> Result<(), Stop> {
    while !bytes.is_empty() {
        *left = left.checked_sub(1).ok_or(Stop::TooMany)?;
        let (_, wire_type) = decode_key(&mut bytes).map_err(|_| Stop::NoMessage)?;
        let length = match wire_type {
            WireType::Varint => decode_varint(&mut bytes).map(|_| 0).map_err(|_| Stop::NoMessage)?,
            WireType::StartGroup | WireType::EndGroup => 0,
            WireType::ThirtyTwoBit => 4,
            WireType::SixtyFourBit => 8,
            WireType::LengthDelimited => {
                let length = decode_varint(&mut bytes).map_err(|_| Stop::NoMessage)?;
                usize::try_from(length).map_err(|_| Stop::NoMessage)?
            }
        };
        let (content, rest) = bytes.split_at_checked(length).ok_or(Stop::NoMessage)?;
        if wire_type == WireType::LengthDelimited && depth > 1 {
            let before = *left;
            match walk(content, depth - 1, left) {
                Err(Stop::NoMessage) => *left = before,
                walked => walked?,
            }
        }
        bytes = rest;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
