// Makes a copy of the npm package's tjs binary that starts on older systems and without libcurl.
//
// The binary (x86-64) asks for glibc 2.38 only because of four functions that every glibc has had for decades under an
// older version, and for libcurl, of which we use nothing. So the copy's dynamic symbol table is edited in place:
//   __isoc23_strtol …  ->  strtol …           (the older name is the tail of the same string)
//   fmod, hypot        ->  their GLIBC_2.2.5 versions
//   curl_*             ->  __errno_location, a harmless function: fetch and WebSocket must not be used
// and the needed-version lists no longer mention what is not needed. Saves 10 MB of resident memory besides.
// ELF: System V gABI ch. 5; symbol versions: LSB Core 3.1, ch. 10.6.

const DT_NEEDED = 1n, DT_STRTAB = 5n, DT_SYMTAB = 6n, DT_STRSZ = 10n;
const DT_VERSYM = 0x6ffffff0n, DT_VERNEED = 0x6ffffffen, DT_VERNEEDNUM = 0x6fffffffn;
const PT_LOAD = 1, PT_DYNAMIC = 2;
const EM_X86_64 = 62;
const BASE = 'GLIBC_2.2.5';

/** Edits `bytes` (a Buffer) in place. @returns how many symbols changed. @throws Error when it is not as expected. */
export function patchTxiki(bytes) {
  const elf64LittleEndian = bytes.readUInt32BE(0) === 0x7f454c46 && bytes[4] === 2 && bytes[5] === 1;
  if (!elf64LittleEndian || bytes.readUInt16LE(18) !== EM_X86_64) {
    throw new Error('not a 64-bit x86 ELF file');
  }
  const elf = readDynamic(bytes);
  const libraries = readVersionNeeds(bytes, elf);
  const libc = libraries.get('libc.so.6')?.versions.get(BASE);
  const libm = libraries.get('libm.so.6')?.versions.get(BASE);
  if (libc === undefined || libm === undefined) throw new Error(`it does not need ${BASE} of libc and libm`);
  const changed = patchSymbols(bytes, elf, libc.other, libm.other);
  patchVersions(bytes, elf, libraries, libm);
  return changed;
}

function readDynamic(bytes) {
  const headerAt = Number(bytes.readBigUInt64LE(32));
  const loads = [];
  let dynamicAt = 0, dynamicSize = 0;
  for (let i = 0; i < bytes.readUInt16LE(56); i++) {
    const at = headerAt + i * bytes.readUInt16LE(54);
    const type = bytes.readUInt32LE(at);
    const offset = Number(bytes.readBigUInt64LE(at + 8));
    const size = Number(bytes.readBigUInt64LE(at + 32));
    if (type === PT_LOAD) loads.push({ offset, size, address: Number(bytes.readBigUInt64LE(at + 16)) });
    if (type === PT_DYNAMIC) [dynamicAt, dynamicSize] = [offset, size];
  }
  const fileOffset = (address) => {
    const load = loads.find((one) => address >= one.address && address < one.address + one.size);
    if (load === undefined) throw new Error('an address outside the file');
    return address - load.address + load.offset;
  };
  const entries = new Map();
  const needed = [];
  for (let at = dynamicAt; at < dynamicAt + dynamicSize; at += 16) {
    const tag = bytes.readBigUInt64LE(at);
    if (tag === 0n) break;
    if (tag === DT_NEEDED) needed.push(at + 8);
    else entries.set(tag, Number(bytes.readBigUInt64LE(at + 8)));
  }
  const strings = fileOffset(entries.get(DT_STRTAB));
  const symbols = fileOffset(entries.get(DT_SYMTAB));
  return {
    strings, symbols, needed,
    stringBytes: entries.get(DT_STRSZ),
    symbolCount: Math.floor((strings - symbols) / 24), // .dynstr follows .dynsym at once
    versym: fileOffset(entries.get(DT_VERSYM)),
    verneed: fileOffset(entries.get(DT_VERNEED)),
    verneedCount: entries.get(DT_VERNEEDNUM),
  };
}

function text(bytes, elf, offset) {
  const start = elf.strings + offset;
  return bytes.toString('latin1', start, bytes.indexOf(0, start));
}

/** Offset of a whole string in the string table. */
function findString(bytes, elf, wanted) {
  const at = bytes.indexOf(`\0${wanted}\0`, elf.strings, 'latin1');
  if (at < 0 || at > elf.strings + elf.stringBytes) throw new Error(`no string ${wanted}`);
  return at + 1 - elf.strings;
}

function readVersionNeeds(bytes, elf) {
  const libraries = new Map();
  let at = elf.verneed;
  for (let i = 0; i < elf.verneedCount; i++) {
    const versions = new Map();
    let aux = at + bytes.readUInt32LE(at + 8);
    for (let j = 0; j < bytes.readUInt16LE(at + 2); j++) {
      const name = bytes.readUInt32LE(aux + 8);
      const entry = { at: aux, hash: bytes.readUInt32LE(aux), other: bytes.readUInt16LE(aux + 6), name };
      versions.set(text(bytes, elf, name), entry);
      aux += bytes.readUInt32LE(aux + 12);
    }
    libraries.set(text(bytes, elf, bytes.readUInt32LE(at + 4)), { at, versions });
    at += bytes.readUInt32LE(at + 12);
  }
  return libraries;
}

function patchSymbols(bytes, elf, libcVersion, libmVersion) {
  const harmless = findString(bytes, elf, '__errno_location');
  let changed = 0;
  for (let i = 1; i < elf.symbolCount; i++) {
    const at = elf.symbols + i * 24;
    if (bytes.readUInt16LE(at + 6) !== 0) continue; // defined here
    const name = bytes.readUInt32LE(at);
    const symbol = text(bytes, elf, name);
    let version = libcVersion;
    if (symbol.startsWith('__isoc23_')) bytes.writeUInt32LE(name + '__isoc23_'.length, at);
    else if (symbol.startsWith('curl_')) bytes.writeUInt32LE(harmless, at);
    else if (symbol === 'fmod' || symbol === 'hypot') version = libmVersion;
    else continue;
    bytes.writeUInt16LE(version, elf.versym + i * 2);
    changed++;
  }
  return changed;
}

function patchVersions(bytes, elf, libraries, libmBase) {
  const alias = (entry, base) => {
    bytes.writeUInt32LE(base.hash, entry.at);
    bytes.writeUInt32LE(base.name, entry.at + 8);
  };
  for (const name of ['libc.so.6', 'libm.so.6']) {
    const { versions } = libraries.get(name);
    for (const version of ['GLIBC_2.35', 'GLIBC_2.38']) {
      if (versions.has(version)) alias(versions.get(version), versions.get(BASE));
    }
  }
  const curl = libraries.get('libcurl.so.4');
  const libmName = findString(bytes, elf, 'libm.so.6');
  if (curl !== undefined) {
    bytes.writeUInt32LE(libmName, curl.at + 4);
    for (const entry of curl.versions.values()) alias(entry, libmBase);
  }
  for (const at of elf.needed) {
    const library = text(bytes, elf, Number(bytes.readBigUInt64LE(at)));
    if (library === 'libcurl.so.4') bytes.writeBigUInt64LE(BigInt(libmName), at);
  }
}
