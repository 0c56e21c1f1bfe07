// 한국어. 키는 en.ts와 같다. 이름 뒤에 조사가 오지 않도록 문장을 짓는다.
export const ko = {
  common: {
    copy: '복사', copied: '복사했습니다', download: '다운로드', retry: '다시 시도', cancel: '취소', close: '닫기', done: '완료',
    loading: '불러오는 중', name: '이름', description: '설명', status: '상태', type: '유형', size: '크기', version: '버전',
    created: '만든 때', updated: '수정한 때', user: '사용자', experiment: '실험', duration: '소요 시간', tags: '태그', actions: '작업',
    asCommand: '명령어로 보기', asCommandHint: '터미널에서는 이렇게 실행합니다.',
  },
  nav: {
    label: '주 메뉴', parents: '상위 페이지', menu: '메뉴', skip: '본문으로 건너뛰기', home: '홈', runs: '실행', models: '모델', endpoints: '엔드포인트',
    environments: '환경', settings: '설정',
  },
  status: {
    NotStarted: '시작 전', Queued: '대기 중', Preparing: '준비 중', Running: '실행 중', Finalizing: '마무리 중',
    CancelRequested: '취소하는 중', Completed: '완료', Failed: '실패', Canceled: '취소됨', NotResponding: '응답 없음',
    Creating: '만드는 중', Updating: '업데이트 중', Scaling: '크기 조정 중', Deleting: '삭제 중', Succeeded: '준비됨', Unknown: '알 수 없음',
  },
  error: {
    offline: '서버가 응답하지 않습니다.', offlineHint: '`atelier up`으로 서버를 시작하세요. 이 페이지는 저절로 복구됩니다.',
    banner: '서버가 응답하지 않습니다. 다시 연결하고 있습니다…', requestID: '요청 {{id}}',
    forbiddenHint: '워크스페이스 소유자에게 필요한 역할을 요청하세요.',
    notFoundHint: '이미 삭제되었거나 주소가 잘못되었을 수 있습니다.',
    unavailableHint: '잠시 후 다시 시도하세요.', internalHint: '같은 문제가 계속되면 서버 로그를 확인하세요.',
    noPage: '페이지를 찾을 수 없습니다.', noPageHint: '주소가 잘못되었을 수 있습니다.', goHome: '홈으로 가기',
  },
  signIn: {
    title: '로그인', entering: '로그인하는 중…',
    how: '서버를 처음 시작할 때 로그인 링크가 출력됩니다. 새 링크가 필요하면 서버가 실행 중인 컴퓨터에서 다음 명령을 실행하세요.',
    codeUsed: '링크는 짧은 시간 동안 한 번만 쓸 수 있습니다. 새 링크가 필요하면 서버가 실행 중인 컴퓨터에서 다음 명령을 실행하세요.',
    token: '또는 토큰으로 로그인', tokenHint: '설정이나 명령줄에서 만든 개인 토큰입니다.',
    showToken: '토큰 보기', submit: '로그인',
  },
  settings: {
    title: '설정', account: '계정', user: '사용자', serverRole: '서버 역할', workspaces: '워크스페이스', signOut: '로그아웃',
    appearance: '화면', language: '언어', theme: '테마', themeAuto: '시스템 설정', themeLight: '밝게', themeDark: '어둡게',
  },
  tokens: {
    title: '개인 토큰', create: '새 토큰', none: '아직 토큰이 없습니다', noneHint: '토큰이 있으면 스크립트나 다른 컴퓨터에서 내 계정으로 작업할 수 있습니다.',
    description: '용도', example: '노트북', used: '마지막 사용', expires: '만료', never: '없음', revoke: '폐기',
    revokeTitle: '이 토큰을 폐기할까요?', revokeHint: '토큰 “{{name}}”: 폐기하면 이 토큰을 쓰는 모든 곳에서 바로 접속이 끊깁니다.',
    lifetime: '유효 기간', days_other: '{{count}}일',
    onlyOnce: '지금 토큰을 복사하세요. 다시 볼 수 없습니다.',
  },
  workspaces: {
    one: '워크스페이스', title: '워크스페이스', all: '모든 워크스페이스', switch: '워크스페이스 {{name}}: 전환', create: '새 워크스페이스', role: '내 역할',
    none: '볼 수 있는 워크스페이스가 없습니다', nameRule: '영문자, 숫자, “-”, “_”로 2~33자',
  },
  home: {
    empty: '아직 비어 있는 워크스페이스입니다. 실행, 모델, 엔드포인트가 생기면 여기에 나타납니다. 다음 세 가지 방법으로 시작할 수 있습니다.',
    wayJob: '작업 실행', wayJobHint: '작업 파일에 스크립트를 적으면 Atelier가 환경을 준비하고 실행한 뒤 결과를 모두 보관합니다.',
    wayTrack: '스크립트 추적', wayTrackHint: 'MLflow를 쓰는 스크립트라면 주소와 토큰만으로 실행 기록을 여기에 남길 수 있습니다.',
    wayPython: 'Python에서 사용', wayPythonHint: '노트북이나 프로그램에서 작업을 제출하고, 지표를 읽고, 모델을 등록하고 배포합니다.',
    running: '지금 실행 중', nothingRunning: '실행 중인 작업이 없습니다.', recent: '최근 완료', nothingDone: '아직 끝난 실행이 없습니다.', allRuns: '모든 실행',
    best: '{{experiment}} 최고 기록', noBest: '이 지표를 남긴 완료된 실행이 아직 없습니다.', all: '모두 보기', start: '새로 시작하기',
  },
  runs: {
    title: '실행', name: '실행', started: '시작', metrics: '지표', params: '파라미터', filter: '실행 필터',
    filterExample: '이름 또는 metrics.rmse < 60 AND params.model = \'ridge\'', clearFilter: '필터 지우기', anyStatus: '모든 상태',
    status: { RUNNING: '실행 중', SCHEDULED: '대기 중', FINISHED: '완료', FAILED: '실패', KILLED: '취소됨' },
    allExperiments: '모든 실험', noExperiment: '해당하는 실험이 없습니다', columns: '열', findColumn: '열 찾기', noColumns: '해당하는 열이 없습니다',
    defaultColumns: '자동 선택', select: '{{name}} 선택', selectAll: '표시된 실행 모두 선택', selected_other: '{{count}}개 선택됨',
    compare: '비교', unselect: '선택 해제', none: '아직 실행이 없습니다', noneHint: '작업을 제출하거나 MLflow를 이 서버에 연결하면 여기에 나타납니다.',
    noMatch: '조건에 맞는 실행이 없습니다', noMatchHint: '필터를 넓히거나 다른 상태 또는 모든 실험을 선택해 보세요.',
  },
  run: {
    tab: { overview: '개요', metrics: '지표', logs: '로그', outputs: '출력', code: '코드', environment: '환경' },
    about: '실행 정보', startedAgo: '시작:', started: '시작', ended: '종료', parent: '상위 실행', datasets: '데이터 세트', readLogs: '로그 보기',
  },
  job: {
    cancel: '작업 취소', keep: '계속 실행', cancelTitle: '이 작업을 취소할까요?', cancelHint: '스크립트에 중지를 요청하고 10초 뒤에 강제로 종료합니다. 지금까지 기록한 내용은 보관됩니다.',
    command: '명령어', compute: '컴퓨팅', host: '컴퓨터', timeout: '제한 시간', exitCode: '종료 코드', cpuTime: 'CPU 시간', memoryPeak: '최대 메모리',
    follow: '터미널에서 지켜보기', bindings: '입력과 출력', output: '출력',
  },
  source: { title: '소스', repository: '저장소', branch: '브랜치', commit: '커밋', dirty: '커밋되지 않은 변경 있음', script: '스크립트' },
  metrics: {
    none: '아직 지표가 없습니다', noneHint: '스크립트에서 MLflow로 기록하세요.', find: '지표 찾기', lastStep: '단계', value: '값',
    single: '변화를 기록한 지표가 없습니다', singleHint: '두 번 이상 기록한 지표는 차트로 보여 드립니다.',
  },
  params: { none: '파라미터가 없습니다' },
  chart: {
    label: '{{title}} 차트. 마지막 값: {{values}}', atStep: '{{step}}단계', axis: '가로축', step: '단계', time: '시간', log: '로그 눈금',
    smoothing: '평활화', sampled_other: '전체 {{shown}}개 점',
  },
  log: {
    last: '로그의 마지막 부분', which: '로그 종류', name: { output: '출력', environment: '환경 빌드', runner: '러너' }, search: '검색', noMatch: '결과 없음',
    matchOf: '{{count}}개 중 {{at}}번째', previous: '이전 결과', next: '다음 결과', lines_other: '{{shown}}줄', follow: '따라가기',
    earlier: '이전 줄 불러오기', none: '로그가 비어 있습니다', waiting: '아직 출력이 없습니다', waitingHint: '출력되는 대로 여기에 나타납니다.',
  },
  outputs: {
    title: '출력', none: '출력이 없습니다', noneHint: '스크립트가 ./outputs에 쓰거나 MLflow로 기록한 파일이 여기에 보관됩니다.',
    incomplete: '폴더가 너무 많아 일부만 표시합니다.',
  },
  file: {
    noPreview: '미리 볼 수 없는 형식입니다', noPreviewHint: '다운로드해서 확인하세요.', tooLarge: '미리 보기에는 너무 큰 파일입니다',
    tooLargeHint: '{{limit}}까지 미리 볼 수 있습니다. 다운로드해서 확인하세요.', empty: '빈 파일입니다', firstRows: '처음 {{shown}}행입니다. 전체를 보려면 다운로드하세요.',
  },
  code: { title: '코드', none: '이 작업과 함께 제출한 코드가 없습니다', noneHint: '작업 파일에 `code: ./src`를 적으면 폴더가 제출 당시 그대로 보관됩니다.', empty: '빈 폴더입니다' },
  environment: {
    title: '환경', inline: '작업에서 정의', hash: '내용 해시', find: '패키지 찾기', packages_other: '패키지 {{count}}개',
    packagesLabel: '패키지', noPackages: '패키지 목록이 없습니다', noPackagesHint: '환경이 준비되면 기록됩니다.',
  },
  environments: {
    title: '환경', hint: '내용이 같으면 한 번만 만들어 모든 작업이 함께 씁니다.', none: '아직 환경이 없습니다', curated: '기본 제공', own: '직접 정의',
  },
  compare: {
    title_other: '실행 {{count}}개 비교', few: '실행을 두 개 이상 선택하세요', fewHint: '실행 목록에서 선택할 수 있습니다.', table: '나란히 보기',
    onlyDiffering: '다른 항목만', charts: '차트', origin: '코드, 환경, 데이터', code: '코드 스냅샷', commit: '커밋', environment: '환경', python: 'Python',
    experiment: '실험', data: '데이터', bestMark: '최고', best: { lower: '가장 낮은 값', higher: '가장 높은 값' },
  },
  models: { title: '모델', none: '아직 모델이 없습니다', noneHint: '실행 페이지나 mlflow.register_model 또는 다음 명령으로 등록하세요.' },
  model: {
    register: '모델 등록', nameHint: '이미 있는 이름이면 새 버전이 됩니다.', source: '등록할 대상', nothing: '이 실행에는 등록할 것이 없습니다', nothingHint: '스크립트에서 모델을 기록하세요.',
    type: { mlflow_model: 'MLflow 모델', custom_model: '사용자 지정 모델', triton_model: 'Triton 모델' }, aliases: '별칭', latest: '최신 버전', versions: '버전',
    versionNumber: '버전 {{version}}', noVersions: '이 모델에는 버전이 없습니다', deploy: '배포하기', deployMLflow: 'MLflow 모델은 채점 스크립트가 필요 없습니다.',
    deployCustom: '사용자 지정 모델에는 init()과 run()이 있는 채점 스크립트가 필요합니다.', run: '만든 실행', path: '경로', flavors: '형식', files: '파일',
  },
  endpoints: { title: '엔드포인트', none: '아직 엔드포인트가 없습니다', noneHint: '엔드포인트는 모델의 예측을 돌려주는 주소입니다.' },
  endpoint: {
    about: '엔드포인트 정보', uri: '주소', auth: '접근 방식', authKey: '키', traffic: '트래픽', noTraffic: '없음', noTrafficHint: '요청을 받는 배포가 아직 없습니다.',
    deployments: '배포', noDeployments: '아직 배포가 없습니다', model: '모델', replicas: '준비됨', logs: '배포 로그',
  },
  keys: { title: '키', hint: '요청할 때만 표시합니다.', show: '키 보기', hide: '숨기기', primary: '기본 키', secondary: '보조 키' },
  try: {
    title: '요청 보내기', body: '본문', bodyHint: '모델이 받는 형식의 JSON입니다. Ctrl+Enter로 보냅니다.', deployment: '배포', byTraffic: '트래픽 비율대로', send: '보내기',
    answer: '응답', status: '상태 {{status}}', elsewhere: '다른 곳에서 보내기',
  },
};
