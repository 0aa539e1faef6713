# The app with its model inside, for any host that runs containers:
#   docker build -t pooling-playground . && docker run -p 7860:7860 pooling-playground
# On a GPU machine: docker build --build-arg TORCH_FROM= ... and docker run --gpus all ...
FROM python:3.11-slim

# Where pip finds torch's small CPU build; empty: the CUDA build, from PyPI.
ARG TORCH_FROM="--find-links https://download.pytorch.org/whl/cpu/torch/"

RUN useradd --create-home --uid 1000 reader
WORKDIR /app
COPY requirements.txt ./
RUN pip install --no-cache-dir $TORCH_FROM -r requirements.txt
COPY .streamlit .streamlit
COPY pooling pooling
COPY pages pages
COPY app.py ./
RUN python -m compileall -q pooling pages app.py

# The app's folder belongs to root and stays as it is; downloaded models go to the reader's home.
USER 1000
# UMAP's functions, compiled for this processor; another kind compiles them once more when it starts.
RUN python -m pooling.umap_fit
ENV STREAMLIT_SERVER_PORT=7860 STREAMLIT_SERVER_ADDRESS=0.0.0.0 STREAMLIT_SERVER_HEADLESS=true
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD python -c "import os, urllib.request as web; e = os.environ; web.urlopen('http://127.0.0.1:' + e['STREAMLIT_SERVER_PORT'] + os.path.join('/', e.get('STREAMLIT_SERVER_BASE_URL_PATH', ''), '_stcore/health'), timeout=4)"
CMD ["streamlit", "run", "app.py"]
