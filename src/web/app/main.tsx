import { render } from 'preact'
import '../styles/index.css'
import { goOnWithUploads } from '../data/uploads/open-uploads.ts'
import { App } from './app.tsx'
import { startRouter } from './router.tsx'
import { startSession } from './session.ts'

startRouter()
startSession()
const root = document.getElementById('app')
if (root != null) render(<App/>, root)
goOnWithUploads()
