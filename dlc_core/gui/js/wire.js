// What goes over the line: a question, an edit, the answer; a problem becomes an Error with one line, and the status if
// the server gave one.
const GIVEN_UP_MS = 20000;
const NEW_SERVER = "the server was started anew: open the address that it printed; unsaved edits are kept in this browser";
export const NO_SERVER = "the server does not answer; unsaved edits are kept in this browser and sent as soon as it does";
export const RETRY_MS = [300, 600, 1200, 2500, 5000];

export class Wire {
  constructor(kind, project) { this.kind = kind; this.project = project; }

  // After a new start the same address may be that of another project, in which the same names mean other frames.
  get headers() { return { "content-type": "application/json", "x-dlc-project": this.project }; }

  ask(path) { return talk(`/api/${this.kind}/${encode(path)}`, { headers: this.headers }); }

  send(path, body) {
    return talk(`/api/${this.kind}/${encode(path)}`, {
      method: "POST", keepalive: true, headers: this.headers, body: JSON.stringify(body), signal: AbortSignal.timeout(GIVEN_UP_MS),
    });
  }
}

const encode = (path) => path.split("/").map(encodeURIComponent).join("/");

export async function talk(url, options) {
  const [answer, text] = await fetch(url, options).then(async (found) => [found, await found.text()])
    .catch(() => { throw new Error(NO_SERVER); });
  let body = {};
  try { body = JSON.parse(text); } catch { body = { error: answer.status === 403 ? NEW_SERVER : `the server answered ${answer.status}` }; }
  if (answer.ok) return body;
  throw Object.assign(new Error(body.error ?? answer.statusText), { status: answer.status, body });
}

// Does `work` until it succeeds or nobody wants it any more. An answer that is lost is asked for again soon, then more
// slowly. What the server refuses is told to `say`, and asked for slowly, because somebody may mend it; then `say` gets
// "" and what it was told before.
export async function persist(work, isWanted, say) {
  let said = "";
  for (let times = 0; isWanted(); times++) {
    const problem = await work().then(() => null, (error) => error);
    if (!problem) break;
    const isAway = !problem.status || problem.status === 403;
    if (!isAway && isWanted()) say((said = problem.message));
    await pause(RETRY_MS[isAway ? Math.min(times, RETRY_MS.length - 1) : RETRY_MS.length - 1]);
  }
  if (said) say("", said);
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
