#!/usr/bin/env node
import { launch } from '../launcher.js'

await launch(import.meta.url)
