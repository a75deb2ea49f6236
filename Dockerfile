# The course site: MkDocs and nothing else. The pages are mounted, not copied, so that an edited page shows at once.
FROM python:3.13-slim-trixie

COPY requirements/site.txt /tmp/
RUN pip install --no-cache-dir --require-hashes -r /tmp/site.txt

RUN useradd --create-home reader
USER reader
WORKDIR /course
ENV PYTHONDONTWRITEBYTECODE=1 NO_MKDOCS_2_WARNING=1

CMD ["python", "-m", "mkdocs", "serve", "--livereload", "--dev-addr", "0.0.0.0:8000"]
