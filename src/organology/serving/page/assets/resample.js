// Samples at another rate, by a windowed sinc: the pass band and the rejection of soxr's high quality, which Python uses,
// so that the model hears the same. Browsers resample with fewer taps. Pure.

const PASS = 0.9125, ATTENUATION_DB = 125;

const bessel = (x) => {
  let sum = 1, term = 1;
  for (let k = 1; term > sum * 1e-12; k += 1) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
};
const gcd = (a, b) => (b ? gcd(b, a % b) : a);

// from, to: in Hz. Sample k of the result is at k / to seconds.
export const resample = (samples, from, to) => {
  if (from === to) return samples;
  const common = gcd(from, to), up = to / common, down = from / common;
  const nyquist = Math.min(from, to) / 2, edge = (1 - PASS) * nyquist;
  const half = Math.ceil((ATTENUATION_DB - 8) / (2.285 * 2 * Math.PI * (edge / from)) / 2);
  const beta = 0.1102 * (ATTENUATION_DB - 8.7), scale = bessel(beta);
  const cutoff = (2 * (nyquist - edge / 2)) / from;  // in units of half the source's rate
  const taps = 2 * half;
  const phases = Array.from({ length: up }, (_, phase) => {
    const row = new Float64Array(taps);
    for (let i = 0; i < taps; i += 1) {
      const x = i - half + 1 - phase / up;
      const inside = 1 - (x / half) ** 2;
      if (inside <= 0) continue;
      const sinc = x === 0 ? 1 : Math.sin(Math.PI * cutoff * x) / (Math.PI * cutoff * x);
      row[i] = (cutoff * sinc * bessel(beta * Math.sqrt(inside))) / scale;
    }
    return row;
  });
  const padded = new Float32Array(samples.length + 2 * taps);
  padded.set(samples, taps);
  const result = new Float32Array(Math.round((samples.length * to) / from));
  for (let k = 0, whole = 0, phase = 0; k < result.length; k += 1) {
    const row = phases[phase], first = whole + taps - half + 1;
    let sum = 0;
    for (let i = 0; i < taps; i += 1) sum += row[i] * padded[first + i];
    result[k] = sum;
    phase += down;
    whole += Math.floor(phase / up);
    phase %= up;
  }
  return result;
};

const text = (bytes, at, n) => String.fromCharCode(...bytes.subarray(at, at + n));
const MPEG_RATES = [44_100, 48_000, 32_000];

// The sample rate that a file says it has, in Hz; null where it is not seen. A browser's decoder does not tell.
export const rateOf = (bytes) => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const within = (at, n) => at >= 0 && at + n <= bytes.length;
  const find = (word, from, until) => {
    const codes = [...word].map((sign) => sign.charCodeAt(0));
    for (let at = from; at + codes.length <= Math.min(until, bytes.length); at += 1) {
      if (codes.every((code, i) => bytes[at + i] === code)) return at;
    }
    return -1;
  };
  const head = text(bytes, 0, 4);
  if (head === "RIFF" || head === "RF64") {
    const at = find("fmt ", 12, 65_536);
    return within(at, 16) ? view.getUint32(at + 12, true) : null;
  }
  if (head === "fLaC") return within(18, 3) ? (view.getUint32(18) >>> 12) : null;
  if (head === "OggS") {
    if (find("OpusHead", 0, 512) >= 0) return 48_000;
    const vorbis = find("\x01vorbis", 0, 512);
    if (within(vorbis, 16)) return view.getUint32(vorbis + 12, true);
    const flac = find("fLaC", 0, 512);
    return within(flac + 18, 4) && flac >= 0 ? (view.getUint32(flac + 18) >>> 12) : null;
  }
  if (text(bytes, 4, 4) === "ftyp") {  // the sound's entry in the table of sample descriptions
    const at = find("mp4a", 0, bytes.length);
    const rate = within(at, 32) ? view.getUint16(at + 28) : 0;
    return rate >= 32_000 ? rate : null;  // HE-AAC says half of its rate
  }
  if (text(bytes, 0, 3) === "ID3" || (bytes[0] === 0xff && (bytes[1] & 0xe0) === 0xe0)) {
    let at = 0;
    if (bytes[0] !== 0xff) at = 10 + [6, 7, 8, 9].reduce((size, i) => (size << 7) | (bytes[i] & 0x7f), 0);
    while (within(at, 4) && !(bytes[at] === 0xff && (bytes[at + 1] & 0xe0) === 0xe0)) at += 1;
    if (!within(at, 4)) return null;
    const version = (bytes[at + 1] >> 3) & 3, layer = (bytes[at + 1] >> 1) & 3;
    if (layer === 0) return null;  // ADTS: its rate may be half of the true one
    const rate = MPEG_RATES[(bytes[at + 2] >> 2) & 3];
    return rate ? rate / { 3: 1, 2: 2, 0: 4 }[version] || null : null;
  }
  return null;
};
