// The second tab of a multi-tab test: runs the functions that the first one sends over a BroadcastChannel.
const channel = new BroadcastChannel(`isolith-tab-${new URLSearchParams(location.search).get('name')}`);

channel.onmessage = async ({ data }) => {
  if (!data.source) return;
  const { call, source, args } = data;
  try {
    // A module of its own, so that `import('isolith')` inside resolves by this page's import map.
    const fn = new Function(`return (${source});`)();
    channel.postMessage({ call, value: await fn(...args) });
  } catch (error) {
    channel.postMessage({ call, error: error instanceof Error ? error : new Error(String(error)) });
  }
};
channel.postMessage({ ready: true });
