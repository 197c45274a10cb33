// The wire between a letter on this page and the server: one change is one
// PATCH with the version it was made on and its own key.
const PATIENCE = 15_000;
// A browser lets a page that is left behind send this much.
const LAST_WORDS = 60_000;

export class LetterLine {
  constructor(address) {
    this.address = address;
  }

  get token() {
    return document.querySelector("input[name=csrf_token]")?.value ?? "";
  }

  async send(entry) {
    const gone = new AbortController();
    const timer = setTimeout(() => gone.abort(), PATIENCE);
    try {
      const answer = await fetch(this.address, { ...this.request(entry), signal: gone.signal });
      return { status: answer.status, said: await this.read(answer) };
    } finally {
      clearTimeout(timer);
    }
  }

  request({ key, base, change }) {
    return {
      method: "PATCH",
      headers: {
        Accept: "application/json",
        "Content-Type": "application/json",
        "If-Match": `"${base}"`,
        "Idempotency-Key": key,
        "X-CSRFToken": this.token,
      },
      body: JSON.stringify(change),
      redirect: "manual",
    };
  }

  // Half an answer is none: the change is asked again. A page of a proxy says nothing that is ours.
  async read(answer) {
    const json = /\bjson\b/.test(answer.headers.get("Content-Type") ?? "");
    if (json) return answer.json();
    if (answer.ok) throw new Error("no answer of ours");
    return {};
  }

  /** Send without waiting, as the last thing a page does. */
  depart(entry) {
    const asked = this.request(entry);
    if (new Blob([asked.body]).size > LAST_WORDS) return;
    fetch(this.address, { ...asked, keepalive: true }).catch(() => {});
  }

  /** Fetch this page again for its token; false when nobody is signed in any more. */
  async renew() {
    const text = await (await fetch(location.href, { headers: { Accept: "text/html" } })).text();
    const page = new DOMParser().parseFromString(text, "text/html");
    const token = page.querySelector("lk-letter input[name=csrf_token]")?.value;
    if (!token) return false;
    for (const field of document.querySelectorAll("input[name=csrf_token]")) field.value = token;
    return true;
  }
}
