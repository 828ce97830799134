// A bare sync access handle: writes what it is sent, or as many pieces as it is asked for.
const root = await navigator.storage.getDirectory();
const file = await (await root.getFileHandle('bench-bare', { create: true })).createSyncAccessHandle();
let at = 0;

const write = (bytes) => {
  if (file.write(bytes, { at }) !== bytes.length) throw new Error('a short write');
  at += bytes.length;
};

onmessage = ({ data }) => {
  if (data === 'close') {
    file.truncate(0);
    file.close();
    return postMessage(0);
  }
  if (data instanceof Uint8Array) {
    write(data);
    return postMessage(0);
  }
  const bytes = new Uint8Array(data.bytes).fill(7);
  const start = performance.now();
  for (let left = data.count; left > 0; left--) write(bytes);
  postMessage(performance.now() - start);
};
postMessage('ready');
