// The page is whole without this. With it, it is loaded again when the server says that something has changed.
const source = new EventSource("live");
source.addEventListener("changed", async () => {
  if (document.activeElement && document.activeElement.closest("form")) return;
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
  if (fresh) document.querySelector("main").replaceWith(fresh);
});
