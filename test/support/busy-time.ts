/** How long this thread has computed since it began, in milliseconds: bounds on it hold on a loaded machine, too. */
export function busyMs (): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
