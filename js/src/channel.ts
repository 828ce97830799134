/** Message channels in their simplest form. */

/** Two entangled ports: what is posted to one arrives at the other. */
export function createChannel(): { port1: MessagePort; port2: MessagePort } {
  const { port1, port2 } = new MessageChannel();
  return { port1, port2 };
}
