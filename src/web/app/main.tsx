import { render } from 'preact'
import '../styles/index.css'
import { hasOpenUploads } from '../data/uploads/open-uploads.ts'
import { App } from './app.tsx'
import { startRouter } from './router.tsx'
import { startSession } from './session.ts'

startRouter()
startSession()
const root = document.getElementById('app')
if (root != null) render(<App/>, root)

/** Whichever page this is; where no upload is open, nothing is loaded for it. */
if (hasOpenUploads()) setTimeout(() => {
  void import('../data/uploads/own-uploads.ts').then(({ ownUploads }) => ownUploads()).catch(() => {})
}, 500)
