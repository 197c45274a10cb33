// <lk-passkey act="create|get" options="{…}" refused="…"><form>…</form></lk-passkey>
// asks the browser for a passkey and posts its answer. The server made the
// challenge and checks everything; nothing is decided here.
const bytes = (text) => {
  const binary = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
};
const text = (buffer) => {
  if (!buffer) return null;
  const binary = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
};
const credentials = (list) => (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));

class Passkey extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.form?.addEventListener("submit", (event) => {
      if (this.form.elements.credential.value) return;
      event.preventDefault();
      this.ask();
    });
    this.ask();
  }

  async ask() {
    const given = JSON.parse(this.getAttribute("options"));
    try {
      const answer = this.getAttribute("act") === "create" ? await this.create(given) : await this.get(given);
      this.form.elements.credential.value = JSON.stringify(answer);
      this.form.submit();
    } catch {
      const place = this.querySelector("[role=alert]");
      if (place) place.textContent = this.getAttribute("refused");
    }
  }

  async create(given) {
    const made = await navigator.credentials.create({
      publicKey: {
        ...given,
        challenge: bytes(given.challenge),
        user: { ...given.user, id: bytes(given.user.id) },
        excludeCredentials: credentials(given.excludeCredentials),
      },
    });
    return {
      id: made.id,
      rawId: text(made.rawId),
      type: made.type,
      response: {
        attestationObject: text(made.response.attestationObject),
        clientDataJSON: text(made.response.clientDataJSON),
        transports: made.response.getTransports?.() ?? null,
      },
      extensions: JSON.stringify(made.getClientExtensionResults()),
    };
  }

  async get(given) {
    const shown = await navigator.credentials.get({
      publicKey: {
        ...given,
        challenge: bytes(given.challenge),
        allowCredentials: credentials(given.allowCredentials),
      },
    });
    return {
      id: shown.id,
      rawId: text(shown.rawId),
      type: shown.type,
      response: {
        authenticatorData: text(shown.response.authenticatorData),
        clientDataJSON: text(shown.response.clientDataJSON),
        signature: text(shown.response.signature),
        userHandle: text(shown.response.userHandle),
      },
    };
  }
}
customElements.define("lk-passkey", Passkey);
