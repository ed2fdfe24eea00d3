/** The target of the bench: nginx as one process, a small JSON answer. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

const body = '{"id":7,"name":"Ada","roles":["editor"],"active":true}'

/**
 * Every path stands in `folder`, so no root is needed and nothing is left behind. Without a master there is one process to end: a worker
 * outlives a master that is killed.
 */
const config = (folder: string, port: number) => `
daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log ${folder}/nginx.log;
events { worker_connections 1024; }
http {
  access_log off;
  default_type application/json;
  keepalive_timeout 300s;
  keepalive_requests 1000000000;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  server {
    listen 127.0.0.1:${port} backlog=1024;
    listen 127.0.0.2:${port} backlog=1024;
    listen 127.0.0.3:${port} backlog=1024;
    location / { return 200 '${body}'; }
  }
}
`

/** Writes the configuration and answers the arguments that nginx takes. */
export function nginxArguments(folder: string, port: number): string[] {
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, config(folder, port))
  return ['-e', join(folder, 'nginx.log'), '-p', folder, '-c', file]
}
