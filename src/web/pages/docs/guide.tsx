import { ownOrigin } from '../../app/site.ts'
import { Link } from '../../app/router.tsx'
import { Card } from '../../ui/display/card.tsx'
import { CodeBlock } from '../../ui/controls/copy.tsx'
import { Grid } from '../../ui/frame/layout.tsx'
import { Section } from '../../ui/frame/page.tsx'
import { keyPlace, pinRemoteLines } from '../developer/lines.ts'

/** The chapter about what the service is. */
export function Overview () {
  return (
    <div class="prose">
      <p>
        This service keeps what you give it pinned in IPFS: it stays available under its content identifier (CID), on several machines, for
        as long as you want. There are four ways to it, and all of them see the same files and pins.
      </p>
      <Grid min="18rem">
        <Card title="These pages"><p>Upload, look, share and delete by hand. <Link to="/upload">Upload something</Link>.</p></Card>
        <Card title="IPFS command line">
          <p>The IPFS Pinning Service API, to the letter: <code>ipfs pin remote</code> works as it is. <Link to="/docs/command-line">How</Link>.</p>
        </Card>
        <Card title="REST API">
          <p>Uploads of any size, lists, groups, keys, tasks. <Link to="/docs/api">The reference</Link>, with a form to try each call.</p>
        </Card>
        <Card title="Gateway">
          <p>
            Anybody reads your content in a browser, and what waits is pinned when it is first read.
            {' '}<Link to="/docs/gateway">How it works</Link>.
          </p>
        </Card>
      </Grid>
    </div>
  )
}

/** The chapter with the first three steps. */
export function GettingStarted () {
  return (
    <div class="prose">
      <p>Three steps, and something of yours is in IPFS.</p>
      <ol class="docs__steps">
        <li>
          <Section title="Create an account">
            <p><Link to="/register">Sign up</Link> with an address and a password. The answer shows your first API key; it is shown only
              once.</p>
            <CodeBlock
              label="Sign up with curl"
              code={`curl --json '{"email":"user@example.com","password":"securePassword123"}' \\\n  ${ownOrigin()}/api/v1/users/register`}
            />
          </Section>
        </li>
        <li>
          <Section title="Make a key for each program">
            <p>On the <Link to="/developer">Developer page</Link> you make keys with only the permissions that a program needs, see when
              they were last used, and end them one by one. Never publish a key.</p>
          </Section>
        </li>
        <li>
          <Section title="Upload or pin">
            <p>Drop files on the <Link to="/upload">Upload page</Link>, or send them from a program:</p>
            <CodeBlock
              label="Upload with curl" code={`curl -H 'X-API-Key: ${keyPlace}' -F file=@FILE \\\n  ${ownOrigin()}/api/v1/files/upload`}
            />
            <p>The answer has the CID. Anybody can read it at <code>{ownOrigin()}/api/gateway/CID</code>.</p>
          </Section>
        </li>
      </ol>
    </div>
  )
}

/** The chapter about keys. */
export function Authentication () {
  return (
    <div class="prose">
      <p>Every call that is about an account has an API key, in either of two headers:</p>
      <CodeBlock label="Headers with a key" code={`X-API-Key: ${keyPlace}\nAuthorization: Bearer ${keyPlace}`} />
      <p>You make keys on the <Link to="/developer">Developer page</Link>. The pages themselves use the session of your login, which no
        other site can use.</p>
      <Section title="Permissions">
        <dl class="docs__terms">
          <dt><code>pins:read</code></dt><dd>lists and states of pins</dd>
          <dt><code>pins:write</code></dt><dd>pin, change and unpin: what <code>ipfs pin remote add</code> and <code>rm</code> need</dd>
          <dt><code>files:read</code></dt><dd>lists, details and content of files</dd>
          <dt><code>files:write</code></dt><dd>upload, rename, group, pin, unpin and delete files; upload links</dd>
          <dt><code>account:read</code></dt><dd>status, usage and tasks of the account</dd>
          <dt><code>gateway:read</code></dt><dd>reading through the gateway where that asks for a key</dd>
        </dl>
        <p>Keys and the password are managed with a login, or with a key that has all permissions.</p>
      </Section>
      <Section title="A lost key">
        <p>Nobody can show a key again. <Link to="/renew">Renew it</Link>: a code comes by mail, and with it a new key in place of the one
          that came with your account. Keys that you made yourself go on, unless you say otherwise.</p>
      </Section>
    </div>
  )
}

/** The chapter about Kubo's `ipfs pin remote`. */
export function CommandLine () {
  return (
    <div class="prose">
      <p>Kubo (0.8 or newer) knows remote pinning services. Add this one, under a name of your choice:</p>
      <CodeBlock label="Add the service" code={pinRemoteLines.add({ origin: ownOrigin(), key: keyPlace })} />
      <Section title="Pin">
        <p>Content that your own node has is fetched from it, so leave it running until the pin is there.</p>
        <CodeBlock label="Pin content" code={'ipfs add file.jpg\nipfs pin remote add --service=pinning --name=my-file CID'} />
        <p>With <code>--background</code> the command doesn’t wait.</p>
      </Section>
      <Section title="List and remove">
        <CodeBlock label="List pins" code="ipfs pin remote ls --service=pinning --status=queued,pinning,pinned,failed" />
        <CodeBlock label="Remove a pin" code="ipfs pin remote rm --service=pinning --cid=CID" />
      </Section>
      <Section title="States of a pin">
        <dl class="docs__terms">
          <dt><code>queued</code></dt><dd>asked for, and not begun</dd>
          <dt><code>pinning</code></dt><dd>being fetched, or on some of its machines already; <code>info</code> says on how many and what it waits for</dd>
          <dt><code>pinned</code></dt><dd>on all machines that it should be on</dd>
          <dt><code>failed</code></dt><dd>nobody has it. It is tried again by itself, and the state follows</dd>
        </dl>
      </Section>
    </div>
  )
}

/** The chapter about reading. */
export function Gateway () {
  return (
    <div class="prose">
      <p>Everybody reads content here, without a key:</p>
      <CodeBlock label="Address of content" code={`${ownOrigin()}/api/gateway/CID\n${ownOrigin()}/api/gateway/CID/folder/file.html`} />
      <Section title="Pinning on demand">
        <p>An upload can wait: its bytes are kept aside, and pinned in IPFS when somebody first reads them. That saves work for what nobody
          ever asks for.</p>
        <ol>
          <li>You upload with “when first read”, or with <code>pin=on-access</code> from a program. You have its CID at once.</li>
          <li>Somebody opens its address. It is imported and pinned, and the reader is sent to the gateway.</li>
          <li>The cluster puts it on as many machines as it should be on.</li>
        </ol>
      </Section>
      <Section title="Views">
        <p>Each read of a whole file, or from its beginning, counts as a view; you see how many and when the last one was
          in <Link to="/files">Files</Link>.</p>
      </Section>
      <Section title="Pin from a CID">
        <p>What is in IPFS already needs no upload: pin it by its CID in <Link to="/files">Files</Link>, or with <code>POST
          /api/v1/files/from-cid</code>.</p>
      </Section>
    </div>
  )
}
