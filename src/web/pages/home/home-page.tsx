import { site, ownOrigin } from '../../app/site.ts'
import { Link } from '../../app/router.tsx'
import { useSession } from '../../app/session.ts'
import { Button } from '../../ui/controls/button.tsx'
import { CodeBlock } from '../../ui/controls/copy.tsx'
import { Icon } from '../../ui/icon.tsx'
import type { IconName } from '../../ui/icon.tsx'
import './home-page.css'

const features: ReadonlyArray<{ icon: IconName, title: string, text: string }> = [
  { icon: 'upload', title: 'Upload anything', text: 'Files and whole folders, from the browser or the command line. An interrupted upload continues where it stopped.' },
  { icon: 'pin', title: 'Pinned on several machines', text: 'Content is kept on as many peers of the cluster as it is meant to be, and repaired when one is lost.' },
  { icon: 'zap', title: 'Pinned when it is needed', text: 'Keep a file stored, and have it pinned the first time somebody opens its link.' },
  { icon: 'link', title: 'Links for everybody', text: 'Each file has an address that its content decides: whoever opens it gets just what you stored.' },
  { icon: 'terminal', title: 'Works with your tools', text: 'The Pinning Service API: ipfs pin remote, IPFS Desktop, scripts. A REST API for all the rest.' },
  { icon: 'eye', title: 'See what happens', text: 'How full your storage is, how far each pin has come, how often a file is read. A pin that waits says why.' }
]

const steps = [
  { title: 'Create an account', text: 'An e-mail address and a password are enough.' },
  { title: 'Upload, or pin a CID', text: 'Drop a folder into the page, or name content that is on IPFS already.' },
  { title: 'Share the link', text: 'Anybody can open it, in any browser, through any gateway.' }
]

/** `/`: what the service is, for who has no account yet. */
export default function HomePage () {
  const visitor = useSession()
  const isGuest = visitor.kind !== 'user'
  return <div class="home-page">
    <section class="home-page__hero">
      <div class="home-page__words">
        <h1 tabIndex={-1}>Your files on IPFS, kept&nbsp;safe by a&nbsp;cluster</h1>
        <p class="home-page__lead">
          Store files, pin content and share links that never change their meaning. Run by this peer and the others of its cluster, open to
          standard IPFS tools.
        </p>
        <div class="home-page__actions">
          {isGuest
            ? <>
              {site.registration !== 'closed' && <Button kind="primary" to="/register">Create account</Button>}
              <Button to="/login">Log in</Button>
            </>
            : <>
              <Button kind="primary" icon="dashboard" to="/dashboard">Go to your dashboard</Button>
              <Button icon="upload" to="/upload">Upload</Button>
            </>}
        </div>
      </div>
      <Constellation/>
    </section>

    <section aria-labelledby="home-steps" class="home-page__part">
      <h2 id="home-steps">Three steps</h2>
      <ol class="home-page__steps">
        {steps.map(({ title, text }, at) => <li key={title}>
          <span class="home-page__number" aria-hidden="true">{at + 1}</span>
          <div><h3>{title}</h3><p>{text}</p></div>
        </li>)}
      </ol>
    </section>

    <section aria-labelledby="home-features" class="home-page__part">
      <h2 id="home-features">What you get</h2>
      <ul class="home-page__features">
        {features.map(({ icon, title, text }) => <li key={title}>
          <span class="home-page__icon"><Icon name={icon} size={20}/></span>
          <h3>{title}</h3>
          <p>{text}</p>
        </li>)}
      </ul>
    </section>

    <section aria-labelledby="home-cli" class="home-page__part home-page__cli">
      <div>
        <h2 id="home-cli">From the command line</h2>
        <p>
          Kubo knows this service as any other pinning service. Make a key on the <Link to="/developer">Developer</Link> page;
          what you pin shows up in your files. The <Link to="/docs">documentation</Link> has the rest.
        </p>
      </div>
      <CodeBlock label="With Kubo" language="sh" code={`ipfs pin remote service add helia ${ownOrigin()}/api/pinning YOUR_API_KEY\nipfs pin remote add --service=helia --name=report.pdf bafy…`}/>
    </section>
  </div>
}

/** Cells of a cluster around a sun: what the service is, as a picture. */
const cells: ReadonlyArray<{ x: number, y: number, size: number, tone: 1 | 2 | 3 }> = [
  { x: 200, y: 150, size: 46, tone: 1 }, { x: 92, y: 96, size: 30, tone: 2 }, { x: 300, y: 74, size: 34, tone: 2 },
  {
    x: 322, y: 206, size: 28, tone: 3
  }, { x: 110, y: 232, size: 34, tone: 3 }, { x: 212, y: 268, size: 22, tone: 2 }, { x: 198, y: 36, size: 20, tone: 3 }
]
const lines: ReadonlyArray<[number, number]> = [
  [0, 1], [0, 2], [0, 3], [0, 4], [0, 5], [0, 6], [1, 6], [2, 6], [2, 3], [1, 4], [4, 5], [3, 5]
]

const hexagon = ({ x, y, size }: { x: number, y: number, size: number }): string =>
  Array.from({ length: 6 }, (_, at) => `${(x + size * Math.sin(at * Math.PI / 3)).toFixed(1)},${(y - size * Math.cos(at * Math.PI / 3)).toFixed(1)}`).join(' ')

const Constellation = () =>
  <svg class="constellation" viewBox="0 0 400 310" aria-hidden="true" focusable="false">
    {lines.map(([from, to]) => <line key={`${from}-${to}`} x1={cells[from]?.x} y1={cells[from]?.y} x2={cells[to]?.x} y2={cells[to]?.y}/>)}
    {cells.map((cell, at) => <polygon key={at} class={`constellation__cell constellation__cell--${cell.tone}`} points={hexagon(cell)}/>)}
    <circle class="constellation__sun" cx="200" cy="150" r="17"/>
    <path class="constellation__rays" d={Array.from({ length: 6 }, (_, at) => {
      const [dx, dy] = [Math.sin(at * Math.PI / 3), Math.cos(at * Math.PI / 3)]
      return `M${(200 + dx * 24).toFixed(1)} ${(150 + dy * 24).toFixed(1)}L${(200 + dx * 32).toFixed(1)} ${(150 + dy * 32).toFixed(1)}`
    }).join('')}/>
  </svg>
