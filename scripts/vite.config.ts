import { defineConfig } from 'vite'
import type { Plugin } from 'vite'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../src/web')

/** The peer that `npm run dev:web` asks. */
const peer = process.env.HELIA_CLUSTER_WEB_PEER ?? 'http://127.0.0.1:9099'

/** Whichever stylesheet comes first decides the order of the layers. */
const layersFirst: Plugin = {
  name: 'layers-first',
  generateBundle (_options, bundle) {
    for (const file of Object.values(bundle)) {
      if (file.type === 'asset' && file.fileName.endsWith('.css')) file.source = `@layer reset,tokens,base,ui,pages;${String(file.source)}`
    }
  }
}

export default defineConfig({
  plugins: [layersFirst],
  root,
  base: '/',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  // pages are asked for by path, and what isn't there is 404: nothing of a template's public folder
  publicDir: false,
  build: {
    outDir: join(root, '../../dist/web'),
    emptyOutDir: true,
    target: 'es2022',
    assetsDir: 'assets',
    // data: URLs of stylesheets are refused by the pages' policy
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: 'manifest.json',
    // one file for what many pages share: each answer costs a way there and back, and headers
    rolldownOptions: {
      output: {
        codeSplitting: { groups: [{ name: 'common', test: /[\\/]src[\\/](web[\\/](app|ui|data)|client|base|model)[\\/]|[\\/]node_modules[\\/]preact[\\/]/, minShareCount: 8 }] }
      }
    },
    reportCompressedSize: false
  },
  server: { proxy: Object.fromEntries(['/api', '/ipfs', '/ipns'].map(path => [path, { target: peer, changeOrigin: false }])) }
})
