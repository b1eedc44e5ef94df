ARG PYTHON=3.12
FROM python:${PYTHON}-slim

# Where pip looks for torch besides PyPI. PyPI's own wheels, which bring CUDA: --build-arg TORCH_INDEX=https://pypi.org/simple
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir --extra-index-url "${TORCH_INDEX}" -r requirements.txt
COPY . .
RUN python -m compileall -q app.py core pages

# Nothing is written: not to the app's folder, nor to a home.
ENV HOME=/nonexistent PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
CMD ["streamlit", "run", "app.py", "--server.address=0.0.0.0", "--server.port=8501", "--server.headless=true"]
