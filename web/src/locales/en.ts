// Every word of Studio in English. ko.ts has the same keys; a test holds that.
export const en = {
  common: {
    copy: 'Copy', copied: 'Copied', download: 'Download', retry: 'Try again', cancel: 'Cancel', close: 'Close', done: 'Done',
    loading: 'Loading', name: 'Name', description: 'Description', status: 'Status', type: 'Type', size: 'Size', version: 'Version',
    created: 'Created', updated: 'Updated', user: 'User', experiment: 'Experiment', duration: 'Duration', tags: 'Tags', actions: 'Actions',
    asCommand: 'As a command', asCommandHint: 'The same from a terminal:',
  },
  nav: {
    label: 'Main', parents: 'Above this page', menu: 'Menu', skip: 'Skip to the content', home: 'Home', runs: 'Runs', models: 'Models', endpoints: 'Endpoints',
    environments: 'Environments', settings: 'Settings',
  },
  status: {
    NotStarted: 'Not started', Queued: 'Queued', Preparing: 'Preparing', Running: 'Running', Finalizing: 'Finishing',
    CancelRequested: 'Canceling', Completed: 'Completed', Failed: 'Failed', Canceled: 'Canceled', NotResponding: 'Not responding',
    Creating: 'Creating', Updating: 'Updating', Scaling: 'Scaling', Deleting: 'Deleting', Succeeded: 'Ready', Unknown: 'Unknown',
  },
  error: {
    offline: 'The server does not answer.', offlineHint: 'Start it with `atelier up`. This page recovers by itself.',
    banner: 'The server does not answer. Trying again…', requestID: 'Request {{id}}',
    forbiddenHint: 'Ask an owner of the workspace for a role that allows it.',
    notFoundHint: 'It may have been deleted, or the address has a typing error.',
    unavailableHint: 'Wait a moment and try again.', internalHint: 'If it happens again, the log of the server says more.',
    noPage: 'There is no such page.', noPageHint: 'The address may have a typing error.', goHome: 'Go to the home page',
  },
  signIn: {
    title: 'Sign in', entering: 'Signing in…',
    how: 'The first start of the server printed a sign-in link. For a new one, run this on the machine that the server runs on:',
    codeUsed: 'A link works once and for a short time. For a new one, run this on the machine that the server runs on:',
    token: 'Or sign in with a token', tokenHint: 'A personal token that you made in the settings or with the command line.',
    showToken: 'Show the token', submit: 'Sign in',
  },
  settings: {
    title: 'Settings', account: 'Account', user: 'User', serverRole: 'Role on the server', workspaces: 'Workspaces', signOut: 'Sign out',
    appearance: 'Appearance', language: 'Language', theme: 'Theme', themeAuto: 'As the system', themeLight: 'Light', themeDark: 'Dark',
  },
  tokens: {
    title: 'Personal tokens', create: 'New token', none: 'You have no tokens yet', noneHint: 'A token lets a script or another machine act as you.',
    description: 'What for', example: 'laptop', used: 'Last used', expires: 'Expires', never: 'Never', revoke: 'Revoke',
    revokeTitle: 'Revoke this token?', revokeHint: 'Whatever uses the token “{{name}}” stops working at once.',
    lifetime: 'Valid for', days_one: '{{count}} day', days_other: '{{count}} days',
    onlyOnce: 'Copy the token now: it is shown only this once.',
  },
  workspaces: {
    one: 'Workspace', title: 'Workspaces', all: 'All workspaces', switch: 'Workspace {{name}}: switch', create: 'New workspace', role: 'Your role',
    none: 'There are no workspaces that you may see', nameRule: '2 to 33 letters, digits, “-” or “_”',
  },
  home: {
    empty: 'This workspace is empty. Runs, models and endpoints appear here as soon as there are some. There are three ways to begin.',
    wayJob: 'Run a job', wayJobHint: 'Describe your script in a job file. Atelier prepares its environment, runs it and keeps everything it makes.',
    wayTrack: 'Track a script', wayTrackHint: 'Any script that uses MLflow records its runs here. It needs only the address and a token.',
    wayPython: 'Work from Python', wayPythonHint: 'Submit jobs, read metrics, register and deploy from a notebook or a program.',
    running: 'Running now', nothingRunning: 'Nothing is running.', recent: 'Recently finished', nothingDone: 'Nothing has finished yet.', allRuns: 'All runs',
    best: 'Best of {{experiment}}', noBest: 'No finished run has this metric yet.', all: 'Show all', start: 'Start something',
  },
  runs: {
    title: 'Runs', name: 'Run', started: 'Started', metrics: 'Metrics', params: 'Parameters', filter: 'Filter runs',
    filterExample: 'Name, or metrics.rmse < 60 AND params.model = \'ridge\'', clearFilter: 'Clear the filter', anyStatus: 'Any status',
    status: { RUNNING: 'Running', SCHEDULED: 'Queued', FINISHED: 'Completed', FAILED: 'Failed', KILLED: 'Canceled' },
    allExperiments: 'All experiments', noExperiment: 'No such experiment', columns: 'Columns', findColumn: 'Find a column', noColumns: 'No such column',
    defaultColumns: 'Choose for me', select: 'Select {{name}}', selectAll: 'Select all shown runs', selected_one: '{{count}} run selected', selected_other: '{{count}} runs selected',
    compare: 'Compare', unselect: 'Clear selection', none: 'No runs yet', noneHint: 'Submit a job, or point MLflow at this server, and its runs appear here.',
    noMatch: 'No run matches', noMatchHint: 'Try a wider filter, another status or all experiments.',
  },
  run: {
    tab: { overview: 'Overview', metrics: 'Metrics', logs: 'Logs', outputs: 'Outputs', code: 'Code', environment: 'Environment' },
    about: 'About this run', startedAgo: 'Started', started: 'Started', ended: 'Ended', parent: 'Parent run', datasets: 'Data sets', readLogs: 'Read the logs',
  },
  job: {
    cancel: 'Cancel job', keep: 'Keep it running', cancelTitle: 'Cancel this job?', cancelHint: 'The script is asked to stop and, ten seconds later, stopped. What it has logged and written so far is kept.',
    command: 'Command', compute: 'Compute', host: 'Machine', timeout: 'Time limit', exitCode: 'Exit code', cpuTime: 'CPU time', memoryPeak: 'Peak memory',
    follow: 'Follow from a terminal', bindings: 'Inputs and outputs', output: 'output',
  },
  source: { title: 'Source', repository: 'Repository', branch: 'Branch', commit: 'Commit', dirty: 'with local changes', script: 'Script' },
  metrics: {
    none: 'No metrics yet', noneHint: 'Log them from the script with MLflow:', find: 'Find a metric', lastStep: 'Step', value: 'Value',
    single: 'No metric has a history', singleHint: 'A metric that is logged more than once gets a chart.',
  },
  params: { none: 'No parameters' },
  chart: {
    label: 'Chart of {{title}}. Last values: {{values}}', atStep: 'Step {{step}}', axis: 'Horizontal axis', step: 'Step', time: 'Time', log: 'Log scale',
    smoothing: 'Smoothing', sampled_one: 'of {{shown}} point', sampled_other: 'of {{shown}} points',
  },
  log: {
    last: 'Last lines of the log', which: 'Which log', name: { output: 'Output', environment: 'Environment build', runner: 'Runner' }, search: 'Search', noMatch: 'Not found',
    matchOf: '{{at}} of {{count}}', previous: 'Previous match', next: 'Next match', lines_one: '{{shown}} line', lines_other: '{{shown}} lines', follow: 'Follow',
    earlier: 'Load earlier lines', none: 'The log is empty', waiting: 'Nothing printed yet', waitingHint: 'Lines appear here as they are printed.',
  },
  outputs: {
    title: 'Outputs', none: 'No outputs', noneHint: 'Files that the script writes to ./outputs, or logs with MLflow, are kept here.',
    incomplete: 'This run has very many folders; not all are shown.',
  },
  file: {
    noPreview: 'No preview for this kind of file', noPreviewHint: 'Download it to see what is in it.', tooLarge: 'Too large to preview',
    tooLargeHint: 'Files up to {{limit}} are shown here. Download it instead.', empty: 'The file is empty', firstRows: 'The first {{shown}} rows. Download the file for all.',
  },
  code: { title: 'Code', none: 'No code was submitted with this job', noneHint: 'With `code: ./src` in the job file, the folder is kept as it was.', empty: 'The folder is empty' },
  environment: {
    title: 'Environment', inline: 'Defined in the job', hash: 'Content hash', find: 'Find a package', packages_one: '{{count}} package', packages_other: '{{count}} packages',
    packagesLabel: 'Packages', noPackages: 'No package list', noPackagesHint: 'It is recorded once the environment is ready.',
  },
  environments: {
    title: 'Environments', hint: 'Built once for their content and shared by all jobs.', none: 'No environments yet', curated: 'Curated', own: 'Your own',
  },
  compare: {
    title_one: 'Compare {{count}} run', title_other: 'Compare {{count}} runs', few: 'Choose at least two runs', fewHint: 'Select them in the table of runs.', table: 'Side by side',
    onlyDiffering: 'Only what differs', charts: 'Charts', origin: 'Code, environment and data', code: 'Code snapshot', commit: 'Commit', environment: 'Environment', python: 'Python',
    experiment: 'Experiment', data: 'Data', bestMark: 'best', best: { lower: 'The lowest value', higher: 'The highest value' },
  },
  models: { title: 'Models', none: 'No models yet', noneHint: 'Register one from a run’s page, with mlflow.register_model, or with this command:' },
  model: {
    register: 'Register model', nameHint: 'An existing name gets a new version.', source: 'From', nothing: 'This run has nothing to register', nothingHint: 'Log a model from the script:',
    type: { mlflow_model: 'MLflow model', custom_model: 'Custom model', triton_model: 'Triton model' }, aliases: 'Aliases', latest: 'Latest version', versions: 'Versions',
    versionNumber: 'Version {{version}}', noVersions: 'This model has no versions', deploy: 'Deploy it', deployMLflow: 'An MLflow model needs no scoring script.',
    deployCustom: 'A custom model needs a scoring script with init() and run().', run: 'Made by run', path: 'Path', flavors: 'Flavors', files: 'Files',
  },
  endpoints: { title: 'Endpoints', none: 'No endpoints yet', noneHint: 'An endpoint is an address that answers with a model’s predictions.' },
  endpoint: {
    about: 'About this endpoint', uri: 'Address', auth: 'Access', authKey: 'By key', traffic: 'Traffic', noTraffic: 'None', noTrafficHint: 'No deployment gets requests yet.',
    deployments: 'Deployments', noDeployments: 'No deployments yet', model: 'Model', replicas: 'Ready', logs: 'Deployment logs',
  },
  keys: { title: 'Keys', hint: 'Hidden until you ask for them.', show: 'Show the keys', hide: 'Hide', primary: 'Primary', secondary: 'Secondary' },
  try: {
    title: 'Send a request', body: 'Body', bodyHint: 'JSON as the model expects it. Ctrl+Enter sends it.', deployment: 'Deployment', byTraffic: 'By traffic', send: 'Send',
    answer: 'Answer', status: 'Status {{status}}', elsewhere: 'From elsewhere',
  },
};
