// On the page around a frame of ours: gives the frame the height that its page says it has.
const FORMS = new URL("../f/", document.currentScript.src).href;
const frames = () => [...document.querySelectorAll("iframe")].filter((frame) => frame.src.startsWith(FORMS));

addEventListener("message", ({ source, data }) => {
  const height = data?.listkeeper;
  const told = height > 0 && height < 1e4 && frames().find((frame) => frame.contentWindow == source);
  if (told) told.style.height = `${height}px`;
});
// A page in a frame that was there before this script has spoken already: ask it once more.
for (const frame of frames()) frame.contentWindow.postMessage("listkeeper", "*");
