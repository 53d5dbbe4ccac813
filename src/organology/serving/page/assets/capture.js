// In the audio thread: passes the microphone's samples on, a mono block at a time.
registerProcessor("capture", class extends AudioWorkletProcessor {
  process([channels]) {
    if (channels?.length) {
      const block = channels[0].slice();
      for (const other of channels.slice(1)) other.forEach((value, i) => (block[i] += value));
      if (channels.length > 1) block.forEach((value, i) => (block[i] = value / channels.length));
      this.port.postMessage(block, [block.buffer]);
    }
    return true;
  }
});
