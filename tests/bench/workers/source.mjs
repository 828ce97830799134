// A worker that is sent each task's function as source, every time: the way of the forge-runtime document.
onmessage = async ({ data: { id, source, data } }) => {
  postMessage({ id, value: await new Function(`return (${source})`)()(data) });
};
