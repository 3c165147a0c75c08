// Your site, beside Ovation: its own login, one URL that signs tokens, one page with the comments.
//
//   OVATION_SECRET=$(openssl rand -hex 32); export OVATION_SECRET
//   npx ovation start --port 8080 &
//   node examples/your-site/server.mjs        then open http://localhost:3000
import { createHmac, randomUUID } from "node:crypto";
import { createServer } from "node:http";

const {
  OVATION_SECRET: secret,
  OVATION_URL: ovation = "http://localhost:8080",
  PORT: port = "3000",
} = process.env;
if (!secret) throw new Error("OVATION_SECRET: the same one that ovation start has");
const sessions = new Map(); // session cookie → { id, name }: this is your login

function ovationToken(claims, seconds = 900) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.floor(Date.now() / 1000) + seconds;
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({ ...claims, exp })}`;
  return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
}

const page = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Your site</title>
<h1>Your video</h1>
<live-comments video="42" sign-in></live-comments>
<script type="module" src="${ovation}/live-comments.js"></script>
<script type="module">
  const comments = document.querySelector("live-comments");
  comments.getToken = async () => (await (await fetch("/ovation-token")).json()).token;
  comments.addEventListener("signin-requested", () => {
    const name = prompt("Your name") ?? "";
    location.assign("/login?name=" + encodeURIComponent(name));
  });
</script></html>`;

createServer((request, response) => {
  const url = new URL(request.url ?? "/", "http://your-site");
  const session = /(?:^|; )session=([^;]+)/.exec(request.headers.cookie ?? "")?.[1];
  if (url.pathname === "/login") {
    const id = randomUUID();
    sessions.set(id, {
      id: `user-${sessions.size + 1}`,
      name: url.searchParams.get("name") || "Someone",
    });
    response
      .writeHead(303, {
        location: "/",
        "set-cookie": `session=${id}; HttpOnly; SameSite=Lax; Path=/`,
      })
      .end();
  } else if (url.pathname === "/ovation-token") {
    const member = sessions.get(session);
    const token = member && ovationToken({ sub: member.id, name: member.name });
    response
      .writeHead(200, { "content-type": "application/json", "cache-control": "no-store" })
      .end(JSON.stringify({ token }));
  } else response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(page);
}).listen(Number(port), "127.0.0.1", function () {
  console.log(`Your site: http://localhost:${this.address().port}`);
});
