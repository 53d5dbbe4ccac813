// What plays in a recording, by fetch: node recognize.mjs song.ogg [http://127.0.0.1:8000]
// The same in a page, with a File; its origin needs `organology serve --cors ORIGIN`.
// A token, where the server wants one, is in ORGANOLOGY_TOKEN.

import { openAsBlob } from "node:fs";
import { basename } from "node:path";

export const recognize = async (blob, name, server, token, onProgress = () => {}) => {
  const call = async (path, options) => {
    const headers = token ? { Authorization: `Bearer ${token}` } : {};
    const answer = await fetch(new URL(path, server), { ...options, headers });
    if (!answer.ok) throw new Error((await answer.json()).error);
    return answer;
  };
  const form = new FormData();
  form.append("file", blob, name);
  const { id } = await (await call("v1/recognitions?wait=0", { method: "POST", body: form })).json();
  try {
    // Server-sent events until the job is over.
    let text = "";
    for await (const piece of (await call(`v1/recognitions/${id}/events`)).body.pipeThrough(new TextDecoderStream())) {
      const events = (text + piece).split("\n\n");
      text = events.pop();
      for (const event of events) {
        const data = event.split("\n").find((line) => line.startsWith("data: "));
        if (data) onProgress(JSON.parse(data.slice(6)).progress);
      }
    }
    return await (await call(`v1/recognitions/${id}`)).json();
  } finally {
    await call(`v1/recognitions/${id}`, { method: "DELETE" });
  }
};

const [file, server = "http://127.0.0.1:8000/"] = process.argv.slice(2);
if (file) {
  const found = await recognize(await openAsBlob(file), basename(file), server, process.env.ORGANOLOGY_TOKEN);
  console.log(`${file}: ${found.instruments.join(", ") || "nothing"}`);
}
