//! A pickle that holds tensors and plain data, read without executing anything.
//!
//! A pickle is a program for a stack machine, which in Python may call any function. This interpreter knows the
//! instructions that build numbers, texts, tuples, lists and dictionaries, and the five names that PyTorch's tensors
//! need; every other name is refused before anything is done with it.

use std::collections::HashMap;

use super::bytes::Bytes;
use super::number::Number;
use crate::files::import::wrong::{Wrong, printable};

/// Values refer to each other by their position in [`Pickle`], so that a list that contains itself is no problem.
pub(crate) type Id = usize;

/// A name from a module, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Global {
    /// `collections.OrderedDict`
    OrderedDict,
    /// `torch._utils._rebuild_tensor_v2`, or its predecessor without hooks.
    RebuildTensor,
    /// `torch._utils._rebuild_parameter`
    RebuildParameter,
    /// `argparse.Namespace`: training options, which are skipped.
    Namespace,
    /// `torch.FloatStorage` and its like; `None` for integers.
    Storage(Option<Number>, usize),
}

/// A strided view of a storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TensorView {
    pub storage: Storage,
    pub offset: usize,
    pub size: Vec<usize>,
    pub stride: Vec<usize>,
}

/// Numbers that lie elsewhere in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Storage {
    pub key: String,
    /// `None` for integers, which no network needs.
    pub number: Option<Number>,
    /// Bytes in the file.
    pub bytes: usize,
}

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// Something of no interest: None, a truth value, a float, training options.
    Other,
    Int(i64),
    Text(String),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Global(Global),
    Storage(Storage),
    Tensor(TensorView),
}

/// The values of a pickle.
#[derive(Debug)]
pub(crate) struct Pickle {
    pub nodes: Vec<Node>,
    pub root: Id,
}

/// More values than any state dictionary has; each takes under 150 bytes here, and at least one byte in the file.
const MAX_NODES: usize = 1 << 20;
/// Dimensions of a tensor, and bytes of a storage's key: references can repeat both at one byte each.
const MAX_RANK: usize = 8;
const MAX_KEY_BYTES: usize = 64;

/// Reads the pickle at the position of `input`, which stands behind it afterwards.
pub(crate) fn read(input: &mut Bytes<'_>) -> Result<Pickle, Wrong> {
    let mut machine = Machine::default();
    let root = loop {
        if let Some(root) = machine.step(input)? {
            break root;
        }
    };
    Ok(Pickle {
        nodes: machine.nodes,
        root,
    })
}

#[derive(Default)]
struct Machine {
    nodes: Vec<Node>,
    stack: Vec<Id>,
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl Machine {
    /// One instruction; the result at the last one. Codes are those of CPython's pickletools.
    fn step(&mut self, input: &mut Bytes<'_>) -> Result<Option<Id>, Wrong> {
        let at = input.position();
        match input.u8()? {
            b'.' => return self.pop().map(Some),
            0x80 => input.skip(1)?,
            0x95 => input.skip(8)?,
            b'(' => self.marks.push(self.stack.len()),
            b'N' | 0x88 | 0x89 => self.push(Node::Other)?,
            b'G' => {
                input.skip(8)?;
                self.push(Node::Other)?;
            }
            b'K' => {
                let value = input.u8()?;
                self.push(Node::Int(value.into()))?;
            }
            b'M' => {
                let value = input.u16()?;
                self.push(Node::Int(value.into()))?;
            }
            b'J' => {
                let value = input.i32()?;
                self.push(Node::Int(value.into()))?;
            }
            0x8a => {
                let length = input.u8()?.into();
                let node = long(input.take(length)?);
                self.push(node)?;
            }
            b'X' | b'T' | b'B' => {
                let length = input.u32()? as usize;
                self.text(input.take(length)?)?;
            }
            0x8c | b'U' | b'C' => {
                let length = input.u8()?.into();
                self.text(input.take(length)?)?;
            }
            b')' => self.push(Node::Tuple(Vec::new()))?,
            b']' => self.push(Node::List(Vec::new()))?,
            b'}' => self.push(Node::Dict(Vec::new()))?,
            count @ 0x85..=0x87 => {
                let mut items = Vec::new();
                for _ in 0x85..=count {
                    items.push(self.pop()?);
                }
                items.reverse();
                self.push(Node::Tuple(items))?;
            }
            b't' => {
                let items = self.pop_to_mark()?;
                self.push(Node::Tuple(items))?;
            }
            b'l' => {
                let items = self.pop_to_mark()?;
                self.push(Node::List(items))?;
            }
            b'd' => {
                let entries = pairs(self.pop_to_mark()?)?;
                self.push(Node::Dict(entries))?;
            }
            b'a' => {
                let item = self.pop()?;
                self.append(vec![item])?;
            }
            b'e' => {
                let items = self.pop_to_mark()?;
                self.append(items)?;
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.insert(vec![(key, value)])?;
            }
            b'u' => {
                let entries = pairs(self.pop_to_mark()?)?;
                self.insert(entries)?;
            }
            b'q' => {
                let key = input.u8()?.into();
                self.remember(key)?;
            }
            b'r' => {
                let key = input.u32()?;
                self.remember(key)?;
            }
            0x94 => self.remember(self.memo.len() as u32)?,
            b'h' => {
                let key = input.u8()?.into();
                self.recall(key)?;
            }
            b'j' => {
                let key = input.u32()?;
                self.recall(key)?;
            }
            b'c' => {
                let (module, name) = (input.line()?, input.line()?);
                self.global(&String::from_utf8_lossy(module), &String::from_utf8_lossy(name))?;
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                match (&self.nodes[module], &self.nodes[name]) {
                    (Node::Text(module), Node::Text(name)) => self.global(&module.clone(), &name.clone())?,
                    _ => return Err(malformed("a name that is no text")),
                }
            }
            b'R' | 0x81 => self.call()?,
            // The state of a dictionary is its metadata, that of options is of no interest.
            b'b' => {
                self.pop()?;
                self.top()?;
            }
            b'Q' => self.storage()?,
            code => return Err(malformed(&format!("the instruction {code:#04x} at byte {at}"))),
        }
        Ok(None)
    }

    fn push(&mut self, node: Node) -> Result<(), Wrong> {
        if self.nodes.len() >= MAX_NODES {
            return Err(malformed(&format!("more than {MAX_NODES} values")));
        }
        self.stack.push(self.nodes.len());
        self.nodes.push(node);
        Ok(())
    }

    fn text(&mut self, bytes: &[u8]) -> Result<(), Wrong> {
        self.push(Node::Text(String::from_utf8_lossy(bytes).into_owned()))
    }

    fn top(&self) -> Result<Id, Wrong> {
        // What is below the last mark is not to be reached.
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.last() {
            Some(&id) if self.stack.len() > floor => Ok(id),
            _ => Err(malformed("an empty stack")),
        }
    }

    fn pop(&mut self) -> Result<Id, Wrong> {
        let id = self.top()?;
        self.stack.pop();
        Ok(id)
    }

    fn pop_to_mark(&mut self) -> Result<Vec<Id>, Wrong> {
        let mark = self.marks.pop().ok_or_else(|| malformed("no mark"))?;
        Ok(self.stack.split_off(mark))
    }

    fn append(&mut self, items: Vec<Id>) -> Result<(), Wrong> {
        let id = self.top()?;
        match &mut self.nodes[id] {
            Node::List(list) => list.extend(items),
            _ => return Err(malformed("an item for what is no list")),
        }
        Ok(())
    }

    fn insert(&mut self, entries: Vec<(Id, Id)>) -> Result<(), Wrong> {
        let id = self.top()?;
        match &mut self.nodes[id] {
            Node::Dict(dict) => dict.extend(entries),
            _ => return Err(malformed("an entry for what is no dictionary")),
        }
        Ok(())
    }

    fn remember(&mut self, key: u32) -> Result<(), Wrong> {
        let id = self.top()?;
        self.memo.insert(key, id);
        Ok(())
    }

    fn recall(&mut self, key: u32) -> Result<(), Wrong> {
        let id = self.memo.get(&key).ok_or_else(|| malformed("an unknown reference"))?;
        // References cost one position on the stack each, so they count like values.
        if self.stack.len() >= MAX_NODES {
            return Err(malformed(&format!("more than {MAX_NODES} values")));
        }
        self.stack.push(*id);
        Ok(())
    }

    fn global(&mut self, module: &str, name: &str) -> Result<(), Wrong> {
        let global = match (module, name) {
            ("collections", "OrderedDict") => Global::OrderedDict,
            ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Global::RebuildTensor,
            ("torch._utils", "_rebuild_parameter") => Global::RebuildParameter,
            ("argparse", "Namespace") => Global::Namespace,
            ("torch", "FloatStorage") => Global::Storage(Some(Number::F32), 4),
            ("torch", "DoubleStorage") => Global::Storage(Some(Number::F64), 8),
            ("torch", "HalfStorage") => Global::Storage(Some(Number::F16), 2),
            ("torch", "BFloat16Storage") => Global::Storage(Some(Number::Bf16), 2),
            ("torch", "LongStorage") => Global::Storage(None, 8),
            ("torch", "IntStorage") => Global::Storage(None, 4),
            ("torch", "ShortStorage") => Global::Storage(None, 2),
            ("torch", "CharStorage" | "ByteStorage" | "BoolStorage") => Global::Storage(None, 1),
            _ => {
                return Err(Wrong::new(
                    "a pickle of tensors and plain data",
                    format!("the name of code: {}.{}", printable(module), printable(name)),
                ));
            }
        };
        self.push(Node::Global(global))
    }

    /// Makes what a known name stands for.
    fn call(&mut self) -> Result<(), Wrong> {
        let (arguments, callee) = (self.pop()?, self.pop()?);
        let (Node::Global(global), Node::Tuple(arguments)) = (&self.nodes[callee], &self.nodes[arguments]) else {
            return Err(malformed("a call of what is no name"));
        };
        let made = match (global, arguments.as_slice()) {
            (Global::OrderedDict, []) => Node::Dict(Vec::new()),
            (Global::Namespace, _) => Node::Other,
            (Global::RebuildParameter, [tensor, ..]) => match &self.nodes[*tensor] {
                Node::Tensor(view) => Node::Tensor(view.clone()),
                _ => return Err(malformed("a parameter that is no tensor")),
            },
            (Global::RebuildTensor, [storage, offset, size, stride, ..]) => {
                let Node::Storage(storage) = &self.nodes[*storage] else {
                    return Err(malformed("a tensor without a storage"));
                };
                Node::Tensor(TensorView {
                    storage: storage.clone(),
                    offset: self.count(*offset)?,
                    size: self.counts(*size)?,
                    stride: self.counts(*stride)?,
                })
            }
            _ => return Err(malformed("arguments that do not fit")),
        };
        self.push(made)
    }

    /// ('storage', type, key, place, number of elements[, None])
    fn storage(&mut self) -> Result<(), Wrong> {
        let id = self.pop()?;
        let wrong = || malformed("a reference that is no storage");
        let Node::Tuple(parts) = &self.nodes[id] else {
            return Err(wrong());
        };
        let (kind, key, count) = match parts.as_slice() {
            [_, kind, key, _, count] => (kind, key, count),
            [_, kind, key, _, count, view] if matches!(self.nodes[*view], Node::Other) => (kind, key, count),
            _ => return Err(wrong()),
        };
        let (Node::Global(Global::Storage(number, size)), Node::Text(key)) = (&self.nodes[*kind], &self.nodes[*key])
        else {
            return Err(wrong());
        };
        if key.len() > MAX_KEY_BYTES {
            return Err(wrong());
        }
        let bytes = self.count(*count)?.checked_mul(*size).ok_or_else(wrong)?;
        let storage = Storage {
            key: key.clone(),
            number: *number,
            bytes,
        };
        self.push(Node::Storage(storage))
    }

    fn count(&self, id: Id) -> Result<usize, Wrong> {
        match self.nodes[id] {
            Node::Int(value) => usize::try_from(value).map_err(|_| malformed(&format!("the size {value}"))),
            _ => Err(malformed("a size that is no number")),
        }
    }

    fn counts(&self, id: Id) -> Result<Vec<usize>, Wrong> {
        match &self.nodes[id] {
            Node::Tuple(items) if items.len() <= MAX_RANK => items.iter().map(|&item| self.count(item)).collect(),
            _ => Err(malformed("a size that is no tuple of a few numbers")),
        }
    }
}

fn pairs(items: Vec<Id>) -> Result<Vec<(Id, Id)>, Wrong> {
    if !items.len().is_multiple_of(2) {
        return Err(malformed("a key without a value"));
    }
    Ok(items.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect())
}

/// A two's complement integer of up to 255 bytes; what exceeds 64 bits is of no interest (PyTorch's magic number).
fn long(bytes: &[u8]) -> Node {
    if bytes.len() > 8 {
        return Node::Other;
    }
    let negative = bytes.last().is_some_and(|&last| last & 0x80 != 0);
    let start = if negative { -1i64 } else { 0 };
    Node::Int(
        bytes
            .iter()
            .rev()
            .fold(start, |value, &byte| (value << 8) | i64::from(byte)),
    )
}

fn malformed(got: &str) -> Wrong {
    Wrong::new("a pickle of tensors and plain data", got)
}
