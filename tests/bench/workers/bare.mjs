// A worker without a library: answers each message, or an array of messages with an array.
import { perform } from './tasks.mjs';

onmessage = ({ data }) => {
  if (Array.isArray(data)) postMessage(data.map(({ id, message }) => ({ id, value: perform(message) })));
  else postMessage({ id: data.id, value: perform(data.message) });
};
