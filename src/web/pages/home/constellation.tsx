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

export const Constellation = () =>
  <svg class="constellation" viewBox="0 0 400 310" aria-hidden="true" focusable="false">
    {lines.map(([from, to]) => <line key={`${from}-${to}`} x1={cells[from]?.x} y1={cells[from]?.y} x2={cells[to]?.x} y2={cells[to]?.y}/>)}
    {cells.map((cell, at) => <polygon key={at} class={`constellation__cell constellation__cell--${cell.tone}`} points={hexagon(cell)}/>)}
    <circle class="constellation__sun" cx="200" cy="150" r="17"/>
    <path class="constellation__rays" d={Array.from({ length: 6 }, (_, at) => {
      const [dx, dy] = [Math.sin(at * Math.PI / 3), Math.cos(at * Math.PI / 3)]
      return `M${(200 + dx * 24).toFixed(1)} ${(150 + dy * 24).toFixed(1)}L${(200 + dx * 32).toFixed(1)} ${(150 + dy * 32).toFixed(1)}`
    }).join('')}/>
  </svg>
