// An AudioWorklet processor that plays one ring and records into another.
import { Ring } from '/pkg/dist/sync.js';

class RingProcessor extends AudioWorkletProcessor {
  constructor({ processorOptions }) {
    super();
    this.source = Ring.attach(processorOptions.source);
    this.sink = Ring.attach(processorOptions.sink);
  }

  process(_inputs, [[channel]]) {
    this.source.pop(channel);
    this.sink.push(channel);
    this.sink.pushOne(-1);
    return true;
  }
}

registerProcessor('ring', RingProcessor);
