#!/usr/bin/env node
import { launch } from '../launcher.js'

// only libp2p needs a newer Node
await launch(import.meta.url, { runsOnOld: args => !args.some(arg => /\/(p2p|dnsaddr)\/|.\/ipfs\//.test(arg)) })
