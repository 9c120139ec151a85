import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type DrillReport, listScenarios, toHtml, toMarkdown } from '#drill'
import { NodeError } from '../errors.ts'

/** Scenarios that come with Noroshi. */
const SCENARIOS = fileURLToPath(new URL('../../../scenarios', import.meta.url))

/** Path of a scenario, by the name of a shipped one or as a path. @throws NOT_FOUND */
export function findScenario(nameOrPath: string): string {
  const shipped = join(SCENARIOS, nameOrPath, 'scenario.yaml')
  if (/^[a-z0-9-]+$/.test(nameOrPath) && existsSync(shipped)) return shipped
  const inside = join(nameOrPath, 'scenario.yaml')
  if (existsSync(inside)) return inside
  if (existsSync(nameOrPath)) return nameOrPath
  throw new NodeError(
    'NOT_FOUND',
    `There is no scenario ${nameOrPath}. Shipped ones: ${shippedScenarios()
      .map(({ id }) => id)
      .join(', ')}.`,
  )
}

/** Scenarios that come with Noroshi. */
export const shippedScenarios = (): ReturnType<typeof listScenarios> => listScenarios(SCENARIOS)

/** A drill whose report lies in a folder. */
export interface PastDrill {
  id: string
  title: string
  passed: boolean
  started: number
  folder: string
}

/** Drills whose reports lie in subfolders of `folder`, newest first. */
export async function pastDrills(folder: string): Promise<PastDrill[]> {
  if (!existsSync(folder)) return []
  const found: PastDrill[] = []
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (!entry.isDirectory() || !existsSync(join(path, 'report.json'))) continue
    const { drill: id, title, passed, started } = await readReport(path)
    found.push({ id, title: title['en'] ?? id, passed, started, folder: path })
  }
  return found.sort((a, b) => b.started - a.started)
}

/** The report in a folder. @throws NOT_FOUND */
export async function readReport(folder: string): Promise<DrillReport> {
  try {
    return JSON.parse(await readFile(join(folder, 'report.json'), 'utf8')) as DrillReport
  } catch (cause) {
    throw new NodeError(
      'NOT_FOUND',
      `There is no drill report in ${folder}; noroshi drill list shows those there are.`,
      { cause },
    )
  }
}

/** Files of a report, by form. */
export type ReportFiles = Record<'html' | 'japanese' | 'markdown' | 'json', string>

/** A report tells who got what, with every signed statement: it is its operator's to hand on. */
const OWNER_ONLY = { mode: 0o600 }

/** Writes the report in all its forms, for its owner alone. */
export async function writeReport(folder: string, report: DrillReport): Promise<ReportFiles> {
  const files = {
    html: join(folder, 'report.html'),
    japanese: join(folder, 'report.ja.html'),
    markdown: join(folder, 'report.md'),
    json: join(folder, 'report.json'),
  }
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await writeFile(files.html, toHtml(report, 'en'), OWNER_ONLY)
  await writeFile(files.japanese, toHtml(report, 'ja'), OWNER_ONLY)
  await writeFile(files.markdown, toMarkdown(report, 'en'), OWNER_ONLY)
  await writeFile(files.json, JSON.stringify(report, null, 1), OWNER_ONLY)
  return files
}

/** The report as Markdown. */
export const reportText = (report: DrillReport): string => toMarkdown(report)
